"""Trusts over the admin API: Graph's federatedIdentityCredential, checked, recorded, and never for the admin API."""

from pathlib import Path
from typing import Any

from ostiary.core.logs.kinds import Kind
from tests.clock import MovableClock
from tests.records.house import alice, bob, journal
from tests.web.graph.api import Api, play

APPS = "/v1.0/applications"
GITHUB = "https://token.actions.githubusercontent.com"
MAIN = "repo:octo-org/octo-repo:ref:refs/heads/main"
TRUST: dict[str, Any] = {
    "name": "deploy", "issuer": GITHUB, "subject": MAIN, "ostiary": {"permissions": ["api://wind/Read"]},
}  # fmt: skip


async def pipeline(api: Api) -> str:
    """Where the trusts of a new application are, beside a resource for it."""
    wind = {"displayName": "Wind", "identifierUris": ["api://wind"]}
    wind |= {"api": {"oauth2PermissionScopes": [{"value": "Read", "adminConsentDescription": "See the wind"}]}}  # type: ignore[dict-item]
    await api.ask("POST", APPS, wind, status=201)
    made = await api.ask("POST", APPS, {"displayName": "Release robot"}, status=201)
    return f"{APPS}/{made['id']}/federatedIdentityCredentials"


def test_a_trust_is_made_changed_and_taken_away(tmp_path: Path) -> None:
    """By id or name; each in an entry of its own that says what it trusts; the audience is ours unless one is named."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await pipeline(api)
        claims = [{"name": "repository_owner_id", "value": "65"}]
        ours = {"permissions": ["api://wind/Read"], "claims": claims, "reason": "no secrets"}
        made = await api.ask("POST", path, TRUST | {"ostiary": ours}, status=201)
        assert made["audiences"] == ["https://localhost:8443/7e4a/v2.0"]
        assert made["ostiary"]["claims"] == claims
        assert (await api.ask("GET", f"{path}/deploy")) | {"@odata.context": ""} == made | {"@odata.context": ""}
        assert [one["id"] for one in (await api.ask("GET", path))["value"]] == [made["id"]]
        await api.ask("PATCH", f"{path}/{made['id']}", {"subject": MAIN + "2", "audiences": ["x"]}, status=204)
        assert (await api.ask("GET", f"{path}/deploy"))["subject"] == MAIN + "2"
        await api.ask("PATCH", f"{path}/deploy", {"name": "other"}, status=400)
        await api.ask("DELETE", f"{path}/deploy?reason=over", status=204)
        await api.ask("GET", f"{path}/deploy", status=404)
        await api.ask("DELETE", f"{path}/deploy", status=404)
        entries = [one for one in await journal(api.house) if ":trust_" in one[0]]
        assert [kind for kind, _ in entries] == [Kind.TRUST_ADDED, Kind.TRUST_CHANGED, Kind.TRUST_REMOVED]
        details: list[Any] = [detail for _, detail in entries]
        assert [details[0]["after"]["subject"], details[0]["reason"]] == [MAIN, "no secrets"]
        assert (details[1]["before"]["subject"], details[1]["after"]["subject"]) == (MAIN, MAIN + "2")

    play(tmp_path, story)


def test_what_trusts_too_much_is_not_saved(tmp_path: Path) -> None:
    """Subjects that everybody has, our own tokens, scopes that nobody exposes, and the admin API: refused by name."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = await pipeline(api)
        for changes, field in (
            ({"subject": "*"}, "subject"), ({"subject": "repo:*"}, "subject"),
            ({"issuer": "https://localhost:8443/7e4a/v2.0"}, "issuer"), ({"audiences": ["a", "b"]}, "audiences"),
            ({"ostiary": {"permissions": ["api://wind/Write"]}}, "ostiary.permissions"),
            ({"ostiary": {"permissions": ["api://nobody/Read"]}}, "ostiary.permissions"),
        ):  # fmt: skip
            refused = await api.ask("POST", path, TRUST | changes, status=400)
            assert field in str(refused["error"]), refused
        await api.ask("POST", path, TRUST | {"ostiary": {}}, status=400)
        await api.ask("POST", path, TRUST, status=201)
        await api.ask("POST", path, TRUST, status=409)
        api.caller = bob(clock.now())
        await api.ask("GET", path, status=403)
        await api.ask("POST", path, TRUST | {"name": "other"}, status=403)
        api.caller = alice(clock.now())
        assert len((await api.ask("GET", path))["value"]) == 1

    play(tmp_path, story)


def test_policies_may_name_workloads(tmp_path: Path) -> None:
    """`clientApplications` takes object ids that exist and the word for all of them."""

    async def story(api: Api, clock: MovableClock) -> None:
        robot = (await pipeline(api)).split("/")[3]
        body: dict[str, Any] = {
            "displayName": "No robots", "state": "enabled",
            "conditions": {
                "users": {"includeUsers": ["None"]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"],
            },
            "grantControls": {"operator": "OR", "builtInControls": ["block"]},
        }  # fmt: skip
        for named, status in ((robot, 201), ("ServicePrincipalsInMyTenant", 201), ("nobody", 400)):
            body["conditions"]["clientApplications"] = {"includeServicePrincipals": [named]}
            await api.ask("POST", "/v1.0/identity/conditionalAccess/policies", body, status=status)

    play(tmp_path, story)
