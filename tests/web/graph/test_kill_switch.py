"""The kill switch over the admin API: its shape, two administrators, the local door, and what the audit shows."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.people import Role
from ostiary.services.access.desk import touch
from ostiary.store import Tx
from ostiary.store.schema import users
from ostiary.store.sql import sql
from tests.clock import MovableClock
from tests.records.house import BOB, alice, bob, local, person
from tests.web.graph.api import Api, play

SWITCH = "/v1.0/ostiary/killSwitch"
WHY = {"reason": "for a test"}


async def _promote(api: Api) -> None:
    statement = sql(update(users).where(users.c.id == BOB).values(roles='["administrator"]'))

    async def body(tx: Tx) -> None:
        await tx.run(statement)
        await touch(tx, PICTURE)

    await api.house.store.write(body)


def test_r2_it_is_turned_and_shown_over_the_admin_api(tmp_path: Path) -> None:
    """R2: on at once; off is shown as a proposal after the first administrator, and done after the second."""

    async def story(api: Api, clock: MovableClock) -> None:
        await _promote(api)
        found = await api.ask("GET", SWITCH)
        assert (found["id"], found["on"], found["killedDateTime"]) == ("device", False, None)
        stopped = await api.ask("POST", f"{SWITCH}/on", WHY)
        assert (stopped["on"], stopped["changedBy"], stopped["reason"]) == (True, "alice@example.com", "for a test")
        assert api.house.desk.picture.switch.on
        proposed = await api.ask("POST", f"{SWITCH}/off", WHY)
        assert proposed["on"]
        assert proposed["offProposed"]["by"] == "alice@example.com"
        assert (await api.ask("POST", f"{SWITCH}/off", WHY, status=409))["error"]["code"] == "Request_Conflict"
        api.caller = person(BOB, Role.ADMINISTRATOR, at=clock.now(), name="bob@example.com")
        ended = await api.ask("POST", f"{SWITCH}/off", WHY)
        assert (ended["on"], ended["offProposed"], ended["changedBy"]) == (False, None, "bob@example.com")
        assert (await api.ask("GET", SWITCH))["on"] is False
        page = await api.ask("GET", "/v1.0/auditLogs/directoryAudits")
        names = [row["activityDisplayName"] for row in page["value"] if "kill switch" in row["activityDisplayName"]]
        assert sorted(names) == ["Propose to turn kill switch off", "Turn kill switch off", "Turn kill switch on"]

    play(tmp_path, story)


def test_r2_the_local_door_turns_it_on_and_off_with_a_reason(tmp_path: Path) -> None:
    """R2: one person on the machine is enough; without a reason nobody is."""

    async def story(api: Api, clock: MovableClock) -> None:
        api.caller = local()
        await api.ask("POST", f"{SWITCH}/on", {}, status=400)
        assert (await api.ask("POST", f"{SWITCH}/on", WHY))["on"]
        await api.ask("POST", f"{SWITCH}/off", {"reason": "  "}, status=400)
        assert not (await api.ask("POST", f"{SWITCH}/off", WHY))["on"]

    play(tmp_path, story)


def test_others_see_that_it_is_on_and_not_why(tmp_path: Path) -> None:
    """The state explains a refusal; the reason is for those who handle the incident. Nobody but them turns it."""

    async def story(api: Api, clock: MovableClock) -> None:
        await api.ask("POST", f"{SWITCH}/on", WHY)
        api.caller = bob(clock.now())
        seen = await api.ask("GET", SWITCH)
        assert (seen["on"], seen["reason"], seen["changedBy"], seen["offProposed"]) == (True, None, None, None)
        await api.ask("POST", f"{SWITCH}/off", WHY, status=403)
        api.caller = replace(alice(clock.now()), amr=("pwd",))
        await api.ask("POST", f"{SWITCH}/off", WHY, status=401)

    play(tmp_path, story)
