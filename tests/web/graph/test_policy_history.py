"""A policy's history over HTTP: each change with who, why and what; and what stood on a day."""

from pathlib import Path

import pytest

from ostiary.core.words.instants import days, to_iso
from ostiary.store import Tx, gone, policies
from tests.clock import MovableClock
from tests.records.house import BLOCK_ID, alice
from tests.web.graph.api import Api, play

POLICIES = "/v1.0/identity/conditionalAccess/policies"
REASON = {"ostiary": {"reason": "a trial"}}


def test_each_change_and_each_day_is_told(tmp_path: Path) -> None:
    """Made, changed, deleted: the history stays, and so does what it said on each day."""

    async def story(api: Api, clock: MovableClock) -> None:
        body = (await api.ask("GET", f"{POLICIES}/{BLOCK_ID}")) | {"displayName": "A second block", "state": "disabled"}
        written = {name: body[name] for name in ("displayName", "state", "conditions", "grantControls")}
        made = await api.ask("POST", POLICIES, written, status=201)
        at, began = f"{POLICIES}/{made['id']}", to_iso(clock.now())[:10]
        clock.move(days(2))
        api.caller = alice(clock.now())
        await api.ask("PATCH", at, {"state": "enabledForReportingButNotEnforced"} | REASON, status=204)
        changed = to_iso(clock.now())[:10]
        clock.move(days(2))
        api.caller = alice(clock.now())
        await api.ask("DELETE", at, status=204)
        deleted, change, created = (await api.ask("GET", f"{at}/ostiary.history"))["changes"]
        assert (deleted["activity"], created["activity"]) == ("deleted", "created")
        assert (change["by"], change["reason"]) == ("alice@example.com", "a trial")
        assert change["differences"] == [
            {"path": "$.state", "before": "disabled", "after": "enabledForReportingButNotEnforced"}
        ]
        first, second = (await api.ask("GET", f"{at}/ostiary.onDay(day={changed})"))["stands"]
        assert [one["document"]["state"] for one in (first, second)] == [
            "disabled", "enabledForReportingButNotEnforced",
        ]  # fmt: skip
        assert (first["change"], second["change"]["by"]) == (None, "alice@example.com")
        day = await api.ask("GET", f"{at}/ostiary.onDay(day={began})")
        assert [one["document"] and one["document"]["state"] for one in day["stands"]] == [None, "disabled"]
        assert day["certain"]

    play(tmp_path, story)


def test_what_is_no_day_is_refused(tmp_path: Path) -> None:
    """400, with how a day is written; and nothing is known of what never was."""

    async def story(api: Api, _: MovableClock) -> None:
        for day in ("yesterday", "2026-02-30", "20261128T00", "0000-01-01", "2026-W48-6x"):
            await api.ask("GET", f"{POLICIES}/{BLOCK_ID}/ostiary.onDay(day={day})", status=400)
        await api.ask("GET", f"{POLICIES}/nothing/ostiary.onDay(day=2026-11-28)", status=404)

    play(tmp_path, story)


STATES = ("disabled", "enabledForReportingButNotEnforced", "enabled")
GAPS: dict[str, tuple[tuple[int, ...], tuple[bool, ...]]] = {
    "nothing": ((), (True, True, True, True)),
    "the making": ((0,), (False, False, True, True)),
    "what retention takes first": ((0, 1), (False, False, False, True)),
    "one in the middle": ((1,), (False, False, False, True)),
    "the last": ((2,), (True, False, False, True)),
    "all": ((0, 1, 2), (False, False, False, True)),
}
"""Which changes went, of those on day 0, 2 and 4, and whether days 0, 2, 4 and 6 are certain then."""


@pytest.mark.parametrize("what", GAPS)
def test_a_day_is_certain_only_where_no_change_can_be_missing(tmp_path: Path, what: str) -> None:
    """Entries go as retention and erasure take them: before, between and after; what joins no more is not certain."""
    numbers, certain = GAPS[what]

    async def story(api: Api, clock: MovableClock) -> None:
        body = (await api.ask("GET", f"{POLICIES}/{BLOCK_ID}")) | {"displayName": "A second block", "state": STATES[0]}
        written = {name: body[name] for name in ("displayName", "state", "conditions", "grantControls")}
        asked = [to_iso(clock.now())[:10]]
        at = f"{POLICIES}/{(await api.ask('POST', POLICIES, written, status=201))['id']}"
        for state in (*STATES[1:], None):
            clock.move(days(2))
            api.caller = alice(clock.now())
            asked.append(to_iso(clock.now())[:10])
            if state is not None:
                await api.ask("PATCH", at, {"state": state} | REASON, status=204)

        async def take(tx: Tx) -> None:
            entries = await policies.changes(tx, at.rpartition("/")[2], most=9, rising=True)
            for number in numbers:
                await gone.remove(tx, entries[number].position)

        await api.house.store.write(take)
        found = [await api.ask("GET", f"{at}/ostiary.onDay(day={day})") for day in asked]
        assert tuple(day["certain"] for day in found) == certain
        assert found[-1]["stands"][0]["document"]["state"] == STATES[2]

    play(tmp_path, story)


def test_an_original_that_was_changed_without_a_trace_is_not_certain(tmp_path: Path) -> None:
    """Certain as long as it says what it said at the founding, and again from the day after its last change."""

    async def story(api: Api, clock: MovableClock) -> None:
        at, asked = f"{POLICIES}/{BLOCK_ID}", []
        for _ in range(3):
            asked.append(to_iso(clock.now())[:10])
            clock.move(days(2))
        api.caller = alice(clock.now())

        async def told() -> list[bool]:
            return [(await api.ask("GET", f"{at}/ostiary.onDay(day={day})"))["certain"] for day in asked]

        assert await told() == [True, True, True]
        asked.append(to_iso(clock.now())[:10])
        await api.ask("PATCH", at, {"state": "disabled"} | REASON, status=204)
        clock.move(days(2))
        asked.append(to_iso(clock.now())[:10])
        assert await told() == [True, True, True, True, True]

        async def take(tx: Tx) -> None:
            for entry in await policies.changes(tx, BLOCK_ID, most=9):
                await gone.remove(tx, entry.position)

        await api.house.store.write(take)
        assert await told() == [False, False, False, False, True]

    play(tmp_path, story)
