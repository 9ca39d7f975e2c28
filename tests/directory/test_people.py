"""Accounts: who may change them, what disabling ends, and that an administrator always stays."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.core.directory.people import Role, User
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.credentials import Link, invite
from ostiary.services.directory.people import (
    Change,
    NewUser,
    change_user,
    create_user,
    delete_user,
    find_user,
    revoke_sessions,
)
from ostiary.store import Tx, exemptions
from tests.web.pages.site import ALICE, BOB, CAROL, NAMES, Site

ADMIN = frozenset({Role.ADMINISTRATOR})
NONE: frozenset[Role] = frozenset()
DORA = NewUser("Dora@Example.com ", " Dora ")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house with people in it; Alice administers."""
    made = Site(tmp_path)
    yield made
    made.close()


def local(site: Site) -> Visit:
    """A request through the local door."""
    caller = Caller(CallerKind.LOCAL, "root", "root", Origin.LOCAL)
    return Visit(site.clock.now(), site.random.guid(), caller=caller)


def reason(answer: object) -> Reason:
    """Why it was refused."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def change(site: Site, id: str, visit: Visit | None = None, **values: object) -> User | Refused:
    """Change an account as the administrator (or as *visit*)."""
    return site.run(change_user(site.house, visit or site.admin(), id, Change(**values)))  # type: ignore[arg-type]


def test_an_account_is_made_with_its_name_in_order(site: Site) -> None:
    """Lower case, no spaces around; one entry; visible to those who may look."""
    made = site.run(create_user(site.house, site.admin(), DORA))
    assert isinstance(made, User)
    assert (made.principal_name, made.display_name, made.roles) == ("dora@example.com", "Dora", NONE)
    assert site.run(find_user(site.house, site.admin(), "DORA@example.com")) == made
    assert site.run(find_user(site.house, site.admin(), made.id)) == made
    assert [entry["detail"]["user_name"] for entry in site.entries(Kind.USER_CREATED)] == ["dora@example.com"]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NewUser("bob@EXAMPLE.com", "Another Bob"), Reason.CONFLICT),
        (NewUser("no address", "X"), Reason.INVALID_VALUE),
        (NewUser("b\u043eb@example.com", "Bob"), Reason.INVALID_VALUE),
        (NewUser("x@example.com", "  "), Reason.INVALID_VALUE),
        (NewUser("x@example.com", "line\nbreak"), Reason.INVALID_VALUE),
        (NewUser("x@example.com", "X" * 257), Reason.INVALID_VALUE),
        (NewUser("x@example.com", "X", mail="nowhere"), Reason.INVALID_VALUE),
    ],
)
def test_what_is_malformed_or_taken_is_refused_and_written_down(site: Site, new: NewUser, expected: Reason) -> None:
    """A known administrator's refusal leaves its entry, and no account."""
    assert reason(site.run(create_user(site.house, site.admin(), new))) is expected
    assert len(site.entries(Kind.ADMIN_REFUSED)) == 1
    assert site.entries(Kind.USER_CREATED) == []


def test_only_administrators_with_fresh_proof_change_accounts(site: Site) -> None:
    """R3: not a person, not an auditor, not a device's session, not yesterday's proof."""
    tired = site.admin()
    site.clock.move(minutes(6))
    tired = Visit(site.clock.now(), tired.id, caller=tired.caller)
    device = site.admin()
    caller = Caller(
        CallerKind.USER, ALICE, "", Origin.DEVICE_CODE, ADMIN, amr=("mfa",), authenticated_at=site.clock.now()
    )
    device = Visit(device.now, device.id, caller=caller)
    cases = (
        (site.visit(), Reason.NOT_SIGNED_IN),
        (site.visit(BOB), Reason.FORBIDDEN),
        (site.visit(BOB, Role.AUDITOR), Reason.FORBIDDEN),
        (tired, Reason.STEP_UP),
        (device, Reason.ORIGIN_FORBIDDEN),
        (local(site), Reason.FORBIDDEN),
    )
    for visit, expected in cases:
        assert reason(site.run(create_user(site.house, visit, DORA))) is expected
        assert reason(change(site, CAROL, visit, enabled=False)) is expected
        assert reason(site.run(delete_user(site.house, visit, CAROL))) is expected
        assert reason(site.run(invite(site.house, visit, CAROL))) is expected
        assert reason(site.run(revoke_sessions(site.house, visit, CAROL))) is expected
    assert site.entries(Kind.USER_CHANGED) == []


def test_disabling_ends_everything_of_somebody_at_once(site: Site) -> None:
    """Sessions by the epoch, windows by a write of their own; enabling brings neither back."""
    id = site.open(BOB)
    browser = site.browser()
    browser.sign_in(BOB)
    assert isinstance(change(site, BOB, enabled=False), User)
    assert browser.get("/account").status_code == 303
    assert window(site, id) is EndCause.DISABLED
    assert isinstance(change(site, BOB, enabled=True), User)
    assert browser.get("/account").status_code == 303
    assert window(site, id) is EndCause.DISABLED
    site.run(site.house.desk.reload())
    assert site.house.desk.openings.all == ()
    entry = site.entries(Kind.USER_CHANGED)[0]["detail"]
    assert (entry["before"], entry["after"]) == ({"enabled": True}, {"enabled": False})


def window(site: Site, id: str) -> EndCause | None:
    """Why the exemption ended."""

    async def body(tx: Tx) -> EndCause | None:
        shown = await exemptions.show(tx, ExemptionId(id))
        assert shown is not None
        return shown.exemption.end_cause

    return site.run(site.house.store.read(body))


def test_the_last_administrator_stays(site: Site) -> None:
    """Not disabled, not deleted, not without the role; with a second one, each of it works."""
    assert reason(change(site, ALICE, enabled=False)) is Reason.LAST_ADMINISTRATOR
    assert reason(change(site, ALICE, roles=NONE)) is Reason.LAST_ADMINISTRATOR
    assert reason(site.run(delete_user(site.house, site.admin(), ALICE))) is Reason.LAST_ADMINISTRATOR
    assert isinstance(change(site, ALICE, display_name="Alice A."), User)
    assert isinstance(change(site, BOB, roles=ADMIN), User)
    assert isinstance(change(site, BOB, enabled=False), User)
    assert reason(change(site, ALICE, roles=NONE)) is Reason.LAST_ADMINISTRATOR  # a disabled one does not count
    assert isinstance(change(site, BOB, enabled=True), User)
    assert isinstance(change(site, ALICE, roles=NONE), User)


def test_two_administrators_who_remove_each_other_leave_one(site: Site) -> None:
    """The count and the change are one transaction, whatever the order."""
    change(site, BOB, roles=ADMIN)

    async def both() -> list[User | Refused]:
        visit = site.admin()
        return list(
            await asyncio.gather(
                change_user(site.house, visit, ALICE, Change(roles=NONE)),
                change_user(site.house, visit, BOB, Change(roles=NONE)),
            )
        )

    answers = site.run(both())
    assert sorted(isinstance(answer, Refused) for answer in answers) == [False, True]


def test_deleting_takes_credentials_along_and_spares_the_record(site: Site) -> None:
    """Somebody with exemptions on record is disabled instead: who had access stays known."""
    site.open(BOB)
    assert reason(site.run(delete_user(site.house, site.admin(), BOB))) is Reason.CONFLICT
    browser = site.browser()
    browser.sign_in(CAROL)
    assert isinstance(site.run(delete_user(site.house, site.admin(), CAROL)), User)
    assert browser.get("/account").status_code == 303
    assert browser.password(CAROL).status_code == 401
    assert reason(site.run(find_user(site.house, site.admin(), CAROL))) is Reason.NOT_FOUND


def test_the_local_door_makes_and_recovers_administrators_only(site: Site) -> None:
    """R2: nothing else."""
    boss = NewUser("boss@example.com", "Boss", roles=ADMIN)
    made = site.run(create_user(site.house, local(site), boss))
    assert isinstance(made, User)
    assert isinstance(site.run(invite(site.house, local(site), made.id, reset=True)), Link)
    site.change(ALICE, enabled=False)
    assert isinstance(change(site, ALICE, local(site), enabled=True), User)
    for refused in (
        change(site, BOB, local(site), display_name="B"),
        change(site, ALICE, local(site), roles=NONE),
        change(site, made.id, local(site), enabled=False),
        site.run(invite(site.house, local(site), BOB)),
        site.run(delete_user(site.house, local(site), BOB)),
    ):
        assert reason(refused) is Reason.FORBIDDEN


def test_everybody_sees_themselves_and_readers_others(site: Site) -> None:
    """A person's own account needs no role."""
    assert isinstance(site.run(find_user(site.house, site.visit(BOB), BOB)), User)
    assert reason(site.run(find_user(site.house, site.visit(BOB), ALICE))) is Reason.FORBIDDEN
    assert isinstance(site.run(find_user(site.house, site.visit(CAROL, Role.AUDITOR), ALICE)), User)


def test_one_may_end_ones_own_sessions_from_anywhere(site: Site) -> None:
    """R3: also from a device's session; somebody else's needs an administrator."""
    caller = Caller(CallerKind.USER, BOB, NAMES[BOB], Origin.DEVICE_CODE, scopes=frozenset({"User.Read"}))
    visit = Visit(site.clock.now(), site.random.guid(), caller=caller)
    assert isinstance(site.run(revoke_sessions(site.house, visit, BOB)), User)
    assert reason(site.run(revoke_sessions(site.house, visit, CAROL))) is Reason.FORBIDDEN
