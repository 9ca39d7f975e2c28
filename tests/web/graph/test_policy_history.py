"""A policy's history over HTTP: each change with who, why and what; and what stood on a day."""

from pathlib import Path

from ostiary.core.words.instants import days, to_iso
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
