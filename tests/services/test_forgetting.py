"""What is over leaves its table, so that no table grows for ever; what is still asked about stays."""

from sqlalchemy import func, select

from ostiary.app.jobs import JOBS
from ostiary.core.words.instants import days
from ostiary.services.signins.forget import KNOWN_FOR
from ostiary.store import Tx, credentials, schema
from tests.services.door import Door
from tests.services.test_signins import signed_in
from tests.web.oauth.site import ALICE

TABLES = ("signins", "sessions", "authorizations", "invitations", "throttles")


def counts(door: Door) -> dict[str, int]:
    """How many rows each table has that things leave."""
    return {name: door.rows(select(func.count()).select_from(schema.metadata.tables[name]))[0][0] for name in TABLES}


def tidy(door: Door) -> None:
    """Every job once."""

    async def all_of_them() -> None:
        for job in JOBS:
            await job.deed(door.house, door.visit())

    door.run(all_of_them())


def test_what_is_over_is_forgotten_by_the_jobs(door: Door) -> None:
    """A day after its end nothing is left but the machines that a person signed in from, and those go in their time."""
    door.open()
    signed_in(door)
    door.started()
    door.claim("BCDF-GHJK")
    door.sign_in(ALICE)
    door.code()

    async def invite(tx: Tx) -> None:
        now = door.clock.now()
        await credentials.invite(tx, digest=b"d" * 32, purpose="password", user=ALICE, created=now, ends=now)

    door.write(invite)
    began = counts(door)
    assert all(began.values()), began
    tidy(door)
    assert counts(door) == began
    door.clock.move(days(3))
    tidy(door)
    assert counts(door) == {**dict.fromkeys(TABLES, 0), "signins": 1}
    door.clock.move(KNOWN_FOR)
    tidy(door)
    assert not any(counts(door).values())


def test_a_machine_that_somebody_signed_in_from_stays_known(door: Door) -> None:
    """The page says that a machine is new when it is, also after the jobs ran."""
    door.open()
    signed_in(door)
    door.clock.move(days(30))
    tidy(door)
    door.open()
    assert door.claimed(door.started().user_code).around.tags() == []
