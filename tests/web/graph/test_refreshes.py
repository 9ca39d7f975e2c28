"""Refreshes as Graph's non-interactive sign-ins, over HTTP: told from the journal, in bounded pages along an index."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import seconds, to_iso
from ostiary.store import refreshes
from ostiary.store.refreshes import page_sql, reach_sql
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CLI
from tests.web.graph.api import Api, play
from tests.web.graph.test_sign_in_story import FACTS, LOG, POLICY, leave, sign_in

THEY = "signInEventTypes/any(t: t eq 'nonInteractiveUser')"


async def refreshed(api: Api, clock: MovableClock, number: int) -> None:
    """Every third is Alice's, every seventh was refused."""
    user, story = (ALICE, "s2") if number % 3 == 0 else (BOB, "s1")
    detail: dict[str, Any] = {"session": f"f-{story}", "user": user, "client": CLI, "n": number}
    if number % 7 == 0:
        await leave(api.house, Kind.REFRESH_REFUSED, story, **detail, reason="blocked", rules=["Block"])
    else:
        more: dict[str, Any] = {"jti": f"j{number}", "policies": [POLICY], "facts": FACTS, "policy_version": 7}
        await leave(api.house, Kind.REFRESHED, story, **detail, **more)
    clock.move(seconds(1))


@pytest.mark.parametrize("looked", [4, 5000])
def test_each_refresh_is_a_row_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked: int
) -> None:
    """All of them, once each, also where a page may look at few; the sign-in itself stays one row."""
    monkeypatch.setattr(refreshes, "LOOK", looked)

    async def story(api: Api, clock: MovableClock) -> None:
        await sign_in(api.house, clock, "s1")
        begun = clock.now()
        for number in range(1, 31):
            await refreshed(api, clock, number)

        async def every(filter: str, order: str = "desc") -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            address = f"{LOG}?$filter={filter}&$orderby=createdDateTime {order}&$top=7"
            while address:
                page = await api.ask("GET", address)
                found += page["value"]
                address = page.get("@odata.nextLink", "")
            return found

        asked = {
            THEY: list(range(30, 0, -1)),
            "authenticationProtocol eq 'refreshTokenGrant'": list(range(30, 0, -1)),
            f"{THEY} and userId eq '{ALICE}'": list(range(30, 0, -3)),
            f"{THEY} and startswith(userPrincipalName,'alice')": list(range(30, 0, -3)),
            f"{THEY} and correlationId eq 's1' and status/errorCode ne 0": [28, 14, 7],
            f"{THEY} and conditionalAccessStatus eq 'failure'": [28, 21, 14, 7],
            f"{THEY} and createdDateTime lt {to_iso(begun + seconds(4))}": [4, 3, 2, 1],  # type: ignore[arg-type]
            f"{THEY} and appId eq 'nobody'": [],
        }
        for filter, numbers in asked.items():
            for order in ("desc", "asc"):
                rows = await every(filter, order)
                wanted = numbers if order == "desc" else numbers[::-1]
                found = [(row["uniqueTokenIdentifier"] or "refused") for row in rows]
                assert found == [f"j{n}" if n % 7 else "refused" for n in wanted], (filter, order)
        rows = await every(THEY)
        assert len({row["id"] for row in rows}) == 30
        assert {row["correlationId"] for row in rows} == {"s1", "s2"}
        latest = rows[-1]
        assert (latest["isInteractive"], latest["incomingTokenType"], latest["userPrincipalName"]) == (
            False, "refreshToken", "bob@example.com",
        )  # fmt: skip
        assert (latest["autonomousSystemNumber"], latest["conditionalAccessStatus"]) == (64500, "success")
        alone = await api.ask("GET", f"{LOG}/{latest['id']}")
        assert (alone["uniqueTokenIdentifier"], alone["correlationId"]) == ("j1", "s1")
        (one,) = await every("originalTransferMethod eq 'deviceCodeFlow'")
        assert one["ostiary"]["refreshCount"] == len([n for n in range(1, 31) if n % 3 and n % 7])
        await api.ask("GET", f"{LOG}?$filter={THEY} and resourceId eq 'x'", status=400)
        await api.ask("GET", f"{LOG}?$filter={THEY}&$count=true", status=400)
        await api.ask("GET", f"{LOG}/n1.1", status=404)

    play(tmp_path, story)


def test_no_page_of_refreshes_scans_or_sorts(tmp_path: Path) -> None:
    """Along their own index, in both directions, however many texts are looked for."""

    async def story(api: Api, _: MovableClock) -> None:
        async def body(tx: Any) -> list[str]:
            plans = []
            for rising in (False, True):
                for statement in (*(page_sql(n, rising=rising) for n in range(4)), reach_sql(rising=rising)):
                    given = dict.fromkeys(statement.names, 1) | statement.constants
                    plans += [row[3] for row in tx._execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", given)]
            return plans

        plans = await api.house.store.survey(body)
        assert len(plans) == 10
        assert all(plan.startswith("SEARCH journal USING") and "INDEX journal_refreshes (" in plan for plan in plans)

    play(tmp_path, story)
