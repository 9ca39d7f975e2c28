"""Risk assessments over the admin API: no device flow without one, each version kept, what is weak told (R23)."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import after, days, to_iso
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CAROL, alice, bob, journal
from tests.web.graph.api import Api, play

APPS = "/v1.0/applications"
CHECKS = "/v1.0/ostiary/applicationChecks"


def assessment(clock: MovableClock, **changes: Any) -> dict[str, Any]:
    """A whole one, with *changes*."""
    return {
        "resources": ["api://wind"],
        "whyNotCodeFlow": "no browser there",
        "whyNotWorkloadIdentity": "people, not jobs",
        "whyNotHybridPasskey": "no phone near",
        "mitigations": ["M2", "M8"],
        "ownerId": "alice@example.com",
        "reviewDateTime": to_iso(after(clock.now(), days(90))),
        **changes,
    }


async def tool(api: Api) -> str:
    """The path of a new client, beside a resource to reach."""
    wind = {"displayName": "Wind", "identifierUris": ["api://wind"]}
    wind |= {"api": {"oauth2PermissionScopes": [{"value": "Read", "adminConsentDescription": "See the wind"}]}}  # type: ignore[dict-item]
    await api.ask("POST", APPS, wind, status=201)
    return f"{APPS}/{(await api.ask('POST', APPS, {'displayName': 'Shell'}, status=201))['id']}"


def test_r23_the_device_flow_is_switched_on_with_an_assessment_only(tmp_path: Path) -> None:
    """R23: refused with the next command in its sentence, at registration too; both may come in one body."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await tool(api)
        on = {"ostiary": {"deviceFlow": True}}
        refused = await api.ask("PATCH", path, on, status=409)
        assert "ostiary app assess" in refused["error"]["message"]
        await api.ask("POST", APPS, {"displayName": "Other", **on}, status=409)
        both = {"ostiary": {"deviceFlow": True, "assessment": assessment(clock)}}
        await api.ask("POST", APPS, {"displayName": "Other", **both}, status=201)
        await api.ask("PATCH", path, both, status=204)
        found = (await api.ask("GET", path))["ostiary"]
        assert found["deviceFlow"]
        assert (found["assessment"]["version"], found["assessment"]["ownerId"]) == (1, ALICE)
        await api.ask("PATCH", path, {"ostiary": {"deviceFlow": False}}, status=204)
        clock.move(days(90))
        api.caller = alice(clock.now())
        assert "still ahead" in (await api.ask("PATCH", path, on, status=409))["error"]["message"]

    play(tmp_path, story)


def test_r23_each_version_is_kept_whole(tmp_path: Path) -> None:
    """R23: the second stands beside the first in the journal and in the audit, and takes nothing over from it."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await tool(api)
        await api.ask("PATCH", path, {"ostiary": {"assessment": assessment(clock), "reason": "first"}}, status=204)
        second = assessment(clock, mitigations=["M10"], ownerId=BOB)
        await api.ask("PATCH", path, {"ostiary": {"assessment": second, "reason": "again"}}, status=204)
        told = [detail for kind, detail in await journal(api.house) if kind == "admin:application:assessed"]
        versions = [detail["assessment"] for detail in told]
        assert [v["version"] for v in versions] == [1, 2]  # type: ignore[index]
        assert [v["mitigations"] for v in versions] == [["M2", "M8"], ["M10"]]  # type: ignore[index]
        assert [detail["reason"] for detail in told] == ["first", "again"]
        assert not [kind for kind, _ in await journal(api.house) if kind == "admin:application:changed"]
        page = await api.ask("GET", "/v1.0/auditLogs/directoryAudits")
        assert [row["activityDisplayName"] for row in page["value"]].count("Assess application") == 2

    play(tmp_path, story)


WRONG: tuple[dict[str, Any], ...] = (
    {"resources": []},
    {"resources": ["api://nobody"]},
    {"whyNotCodeFlow": ""},
    {"whyNotWorkloadIdentity": "no"},
    {"whyNotHybridPasskey": "x" * 513},
    {"mitigations": []},
    {"mitigations": ["M18"]},
    {"mitigations": ["M2", "M2"]},
    {"ownerId": "nobody@example.com"},
    {"ownerId": CAROL},  # disabled
    {"ownerId": ""},
    {"reviewDateTime": "2020-01-01T00:00:00Z"},
    {"reviewDateTime": "2199-01-01T00:00:00Z"},
    {"version": 7},
    {"carriedOver": False},
    {"nonsense": 1},
)


@pytest.mark.parametrize("changes", WRONG, ids=lambda c: f"{next(iter(c))}-{str(next(iter(c.values())))[:20]}")
def test_r23_an_assessment_that_says_too_little_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    """R23: each part is asked for; nothing is written."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await tool(api)
        body = {"ostiary": {"assessment": assessment(clock, **changes)}}
        assert (await api.ask("PATCH", path, body, status=400))["error"]["details"]
        left = {key: value for key, value in assessment(clock).items() if key not in changes}
        if len(left) < len(assessment(clock)):
            await api.ask("PATCH", path, {"ostiary": {"assessment": left}}, status=400)
        assert (await api.ask("GET", path))["ostiary"]["assessment"] is None

    play(tmp_path, story)


def test_r23_what_is_missing_overdue_or_weak_is_told(tmp_path: Path) -> None:
    """R23, BP4: what it relies on and does not have, what it may reach and was not assessed for, who left."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await tool(api)
        id = (await api.ask("GET", path))["appId"]

        async def findings() -> str:
            return " ".join((await api.ask("GET", f"{CHECKS}/{id}"))["findings"])

        assert await findings() == "There is no risk assessment of it."
        await api.ask("PATCH", path, {"ostiary": {"assessment": assessment(clock)}}, status=204)
        assert await findings() == ""
        weak = assessment(clock, mitigations=["M3", "M5"], ownerId=BOB)
        await api.ask("PATCH", path, {"ostiary": {"assessment": weak, "reach": ["api://wind"]}}, status=204)
        told = await findings()
        assert "M5 (Content filtering) is chosen" in told
        assert "beyond what every application has" in told
        assert "may reach" not in told
        strict = assessment(clock, mitigations=["M2", "M10"], ownerId=BOB, resources=[id])
        long = {"codeLifetime": "PT10M", "tokenLifetime": "PT1H", "assessment": strict}
        await api.ask("PATCH", path, {"ostiary": long}, status=204)
        told = await findings()
        assert "codes live longer" in told
        assert "tokens live longer" in told
        assert "It may reach Wind" in told
        await api.ask("PATCH", f"/v1.0/users/{BOB}", {"accountEnabled": False}, status=204)
        assert "bob@example.com has no enabled account" in await findings()
        clock.move(days(90))
        assert "starts are refused from" in await findings()
        clock.move(days(30))
        assert "until it is reviewed" in await findings()
        page = await api.ask("GET", CHECKS)
        assert id in [row["id"] for row in page["value"]]
        await api.ask("GET", f"{CHECKS}/nobody", status=404)
        api.caller = bob(clock.now())
        for where in (CHECKS, f"{CHECKS}/{id}"):
            await api.ask("GET", where, status=403)
        assert api.house.desk.picture.applications[AppId(id)].assessment is not None

    play(tmp_path, story)
