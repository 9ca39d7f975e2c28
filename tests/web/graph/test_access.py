"""Named locations, policies with our own parts, and questions to policy, through the admin API."""

from pathlib import Path
from typing import Any

from ostiary.core.access.conditions.client_applications import EVERY
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CLI, bob, journal
from tests.web.graph.api import Api, play

BASE = "/v1.0/identity/conditionalAccess"
LOCATIONS, POLICIES = f"{BASE}/namedLocations", f"{BASE}/policies"
OBJECT = "0b"
"""Of the CLI's own registration, as policies on workloads name it."""
OFFICE = {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "displayName": "Office",
    "isTrusted": True,
    "ipRanges": [
        {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"},
        {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/48"},
    ],
    "ostiary": {"autonomousSystems": [64500], "reason": "moved in"},
}
NORDICS = {
    "@odata.type": "#microsoft.graph.countryNamedLocation",
    "displayName": "Nordics",
    "countriesAndRegions": ["NO", "SE"],
    "countryLookupMethod": "clientIpAddress",
    "includeUnknownCountriesAndRegions": False,
}


def rule(**changes: Any) -> dict[str, Any]:
    """A policy that blocks everybody's device code flow."""
    return {
        "displayName": "Rule",
        "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
            **changes.pop("conditions", {}),
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
        **changes,
    }


def test_named_locations_come_and_go_as_graph_has_them(tmp_path: Path) -> None:
    """Created, listed, changed, deleted; both sorts keep their form, and each change is in the log."""

    async def story(api: Api, clock: MovableClock) -> None:
        office = await api.ask("POST", LOCATIONS, OFFICE, status=201)
        for name in ("@odata.type", "displayName", "isTrusted", "ipRanges"):
            assert office[name] == OFFICE[name]
        assert office["ostiary"] == {"autonomousSystems": [64500]}
        nordics = await api.ask("POST", LOCATIONS, NORDICS, status=201)
        assert {name: nordics[name] for name in NORDICS} == NORDICS
        listed = await api.ask("GET", LOCATIONS)
        assert {one["id"] for one in listed["value"]} == {office["id"], nordics["id"]}
        here = f"{LOCATIONS}/{office['id']}"
        assert (await api.client.delete(here)).status_code == 409  # trusted
        await api.ask("PATCH", here, {"isTrusted": False}, status=204)
        again = await api.ask("GET", here)
        for answer in (office, again):
            del answer["@odata.context"], answer["@odata.etag"]
        assert again == {**office, "isTrusted": False}
        await api.ask("DELETE", here, status=204)
        assert (await api.client.get(here)).status_code == 404
        kinds = [kind for kind, _ in await journal(api.house) if "location" in kind]
        assert kinds == [f"admin:location:{verb}" for verb in ("created", "created", "changed", "deleted")]

    play(tmp_path, story)


def test_there_are_at_most_195_named_locations(tmp_path: Path) -> None:
    """Entra's limit: the next one is refused, and one that goes makes room."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = [await api.ask("POST", LOCATIONS, {**NORDICS, "displayName": f"N{n}"}, status=201) for n in range(195)]
        refused = await api.ask("POST", LOCATIONS, NORDICS, status=409)
        assert "There are 195 locations already." in refused["error"]["message"]
        await api.ask("DELETE", f"{LOCATIONS}/{made[0]['id']}", status=204)
        await api.ask("POST", LOCATIONS, NORDICS, status=201)

    play(tmp_path, story)


def test_a_location_that_is_wrong_or_in_use_is_refused(tmp_path: Path) -> None:
    """Every problem with its path; a policy never loses a location that it names."""

    async def story(api: Api, clock: MovableClock) -> None:
        wrong = {**OFFICE, "ipRanges": [{"cidrAddress": "203.0.113.9/24"}, {"cidrAddress": "10.0.0.0/4"}]}
        answer = await api.ask("POST", LOCATIONS, wrong, status=400)
        paths = [one["target"] for one in answer["error"]["details"]]
        assert paths == ["$.ipRanges[0].cidrAddress", "$.ipRanges[1].cidrAddress"]
        office = await api.ask("POST", LOCATIONS, {**OFFICE, "isTrusted": False}, status=201)
        place = {"locations": {"includeLocations": ["All"], "excludeLocations": [office["id"]]}}
        await api.ask("POST", POLICIES, rule(conditions=place), status=201)
        assert (await api.client.delete(f"{LOCATIONS}/{office['id']}")).status_code == 409
        nowhere = {"locations": {"includeLocations": ["nowhere"]}}
        answer = await api.ask("POST", POLICIES, rule(conditions=nowhere), status=400)
        assert answer["error"]["details"][0]["target"] == "$.conditions.locations.includeLocations[0]"

    play(tmp_path, story)


def test_r4_a_policy_that_would_never_apply_is_not_saved_as_enabled(tmp_path: Path) -> None:
    """R4: neither made nor made so by a change; every empty part is told at once, and `None` is no slip of the pen."""

    async def story(api: Api, clock: MovableClock) -> None:
        empty = {"users": {"excludeUsers": [ALICE]}, "applications": {}, "clientAppTypes": []}
        answer = await api.ask("POST", POLICIES, rule(conditions=empty), status=400)
        told = [one["target"] for one in answer["error"]["details"]]
        assert told == ["$.conditions.users", "$.conditions.applications", "$.conditions.clientAppTypes"]
        draft = rule(conditions=empty, state="disabled")
        made = await api.ask("POST", POLICIES, draft, status=201)
        path = f"{POLICIES}/{made['id']}"
        await api.ask("PATCH", path, {"state": "enabled"}, status=400)
        whole = {"users": {"includeUsers": ["None"]}, "applications": {"includeApplications": ["All"]}}
        await api.ask(
            "PATCH", path, {"state": "enabled", "conditions": {**whole, "clientAppTypes": ["all"]}}, status=204
        )

    play(tmp_path, story)


def test_a_location_that_a_guardrail_excludes_alerts_when_it_changes(tmp_path: Path) -> None:
    """Widening the hole is as good as weakening the block."""

    async def story(api: Api, clock: MovableClock) -> None:
        office = await api.ask("POST", LOCATIONS, {**OFFICE, "isTrusted": False}, status=201)
        other = await api.ask("POST", LOCATIONS, NORDICS, status=201)
        place = {"locations": {"includeLocations": ["All"], "excludeLocations": [office["id"]]}}
        await api.ask("POST", POLICIES, rule(conditions=place), status=201)
        for id, alerts in ((other["id"], 0), (office["id"], 1)):
            await api.ask("PATCH", f"{LOCATIONS}/{id}", {"displayName": "Renamed"}, status=204)
            raised = [detail for kind, detail in await journal(api.house) if kind == "system:alert:raised"]
            assert [one["about"] for one in raised] == ["guardrail_weakened"] * alerts

    play(tmp_path, story)


def test_our_part_of_a_policy_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """Under `ostiary`; a PATCH changes what it names and nothing else."""

    async def story(api: Api, clock: MovableClock) -> None:
        ours = {
            "conditions": {"requesterLocations": {"includeLocations": ["AllTrusted"]}},
            "controls": {"proximity": {"anyOf": ["sameAsn", "sameCountry"]}, "scopes": ["User.Read"]},
            "limits": {"accessMinutes": 5, "sessionHours": 2},
        }
        made = await api.ask("POST", POLICIES, rule(grantControls=None, ostiary=ours), status=201)
        assert made["ostiary"] == ours
        here = f"{POLICIES}/{made['id']}"
        await api.ask("PATCH", here, {"ostiary": {"limits": {"sessionHours": 1}, "reason": "shorter"}}, status=204)
        again = await api.ask("GET", here)
        assert again["ostiary"] == {**ours, "limits": {"accessMinutes": 5, "sessionHours": 1}}
        wrong = {"ostiary": {"limits": {"sessionHours": 99}, "controls": {"startTicket": "yes"}}}
        answer = await api.ask("PATCH", here, wrong, status=400)
        paths = [one["target"] for one in answer["error"]["details"]]
        assert paths == ["$.ostiary.controls.startTicket", "$.ostiary.limits.sessionHours"]

    play(tmp_path, story)


def thought(**changes: Any) -> dict[str, Any]:
    """A What-If about Bob and the CLI's own resource."""
    return {
        "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": BOB},
        "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [CLI]},
        "signInConditions": {
            "clientAppType": "mobileAppsAndDesktopClients",
            "authenticationFlow": {"transferMethod": "deviceCodeFlow"},
        },
        **changes,
    }


def test_what_if_says_of_each_policy_what_decides(tmp_path: Path) -> None:
    """Graph's `evaluate`: applied or not and why, and under `ostiary` what it comes to. Nothing is written."""

    async def story(api: Api, clock: MovableClock) -> None:
        office = await api.ask("POST", LOCATIONS, {**OFFICE, "isTrusted": False, "ostiary": {}}, status=201)
        place = {"locations": {"includeLocations": ["All"], "excludeLocations": [office["id"]]}}
        await api.ask("POST", POLICIES, rule(displayName="Outside", conditions=place), status=201)
        entries = len(await journal(api.house))

        async def ask(body: dict[str, Any], prefix: str = "v1.0") -> tuple[str, dict[str, tuple[bool, str]]]:
            found = await api.ask("POST", f"/{prefix}/identity/conditionalAccess/evaluate", body)
            rows = {one["displayName"]: (one["policyApplies"], one["analysisReasons"]) for one in found["value"]}
            return found["ostiary"]["outcome"], rows

        assert (await ask(thought()))[1]["Outside"] == (True, "notEnoughInformation")
        here = {**thought()["signInConditions"], "ipAddress": "203.0.113.9"}
        outcome, rows = await ask(thought(signInConditions=here), "beta")
        assert rows["Outside"] == (False, "location")
        assert outcome == "blocked"  # by the block: no exemption
        outcome, rows = await ask(thought(signInConditions=here, ostiary={"exemption": True}))
        assert (outcome, set(rows.values())) == ("allowed", {(False, "users"), (False, "location")})
        away = {**here, "ipAddress": "198.51.100.7"}
        body = thought(signInConditions=away, ostiary={"exemption": True}, appliedPoliciesOnly=True)
        assert await ask(body) == ("blocked", {"Outside": (True, "notSet")})
        assert len(await journal(api.house)) == entries

    play(tmp_path, story)


def test_what_if_is_asked_about_an_application_alone(tmp_path: Path) -> None:
    """Graph's `servicePrincipalSignIn`, by `appId`: only policies on workloads that mean it apply, and no exemption."""

    async def story(api: Api, clock: MovableClock) -> None:
        alone = {"users": {"includeUsers": ["None"]}, "authenticationFlows": None}
        for name, sides in (
            ("Robots", {"includeServicePrincipals": [OBJECT]}),
            ("Others", {"includeServicePrincipals": [EVERY], "excludeServicePrincipals": [OBJECT]}),
        ):
            meant = rule(displayName=name, conditions={**alone, "clientApplications": sides})
            await api.ask("POST", POLICIES, meant, status=201)

        def asked(client: str, **more: Any) -> dict[str, Any]:
            who = {"@odata.type": "#microsoft.graph.servicePrincipalSignIn", "servicePrincipalId": client}
            return thought(signInIdentity=who, signInConditions={"ipAddress": "203.0.113.9"}, **more)

        found = await api.ask("POST", f"{BASE}/evaluate", asked(CLI))
        rows = {one["displayName"]: (one["policyApplies"], one["analysisReasons"]) for one in found["value"]}
        assert (rows["Robots"], rows["Others"]) == ((True, "notSet"), (False, "workloadIdentities"))
        assert found["ostiary"] == {**found["ostiary"], "outcome": "blocked", "rules": ["Robots"]}
        person = await api.ask("POST", f"{BASE}/evaluate", thought())
        (robots,) = [one for one in person["value"] if one["displayName"] == "Robots"]
        assert robots["policyApplies"] is False
        await api.ask("POST", f"{BASE}/evaluate", asked("nothing"), status=404)
        both = {"userId": BOB, "servicePrincipalId": CLI}
        for body, path in (
            (thought(signInIdentity=both), "$.signInIdentity"),
            (thought(signInIdentity={"servicePrincipalId": ""}), "$.signInIdentity.servicePrincipalId"),
            (asked(CLI, ostiary={"exemption": True}), "$.ostiary.exemption"),
        ):
            answer = await api.ask("POST", f"{BASE}/evaluate", body, status=400)
            assert path in [one["target"] for one in answer["error"]["details"]], path

    play(tmp_path, story)


def test_what_if_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    """Every problem with its path; a question is never answered about something else than was asked."""

    async def story(api: Api, clock: MovableClock) -> None:
        wrong = (
            (thought(signInIdentity={"userId": ""}), "$.signInIdentity.userId"),
            (thought(signInContext={"userAction": "x"}), "$.signInContext.userAction"),
            (thought(signInContext={"includeApplications": ["a", "b"]}), "$.signInContext.includeApplications"),
            (thought(signInConditions={"insiderRiskLevel": "minor"}), "$.signInConditions.insiderRiskLevel"),
            (thought(ostiary={"facts": {"mood": "good"}}), "$.ostiary.facts"),
            (thought(ostiary={"facts": []}), "$.ostiary.facts"),
            (thought(surprise=1), "$.surprise"),
        )
        for body, path in wrong:
            answer = await api.ask("POST", f"{BASE}/evaluate", body, status=400)
            assert path in [one["target"] for one in answer["error"]["details"]], (path, answer)
        await api.ask("POST", f"{BASE}/evaluate", thought(signInIdentity={"userId": "nobody"}), status=404)
        api.caller = bob(clock.now())
        await api.ask("POST", f"{BASE}/evaluate", thought(), status=403)

    play(tmp_path, story)


def test_the_impact_of_a_policy_is_asked_by_days(tmp_path: Path) -> None:
    """An empty log has nobody in it; a policy that does not exist is none."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", POLICIES, rule(), status=201)
        found = await api.ask("POST", f"{POLICIES}/{made['id']}/impact", {"days": 7})
        assert (found["decisions"], found["wouldFail"], found["people"]) == (0, 0, [])
        await api.ask("POST", f"{POLICIES}/{made['id']}/impact", {"days": 0}, status=400)
        await api.ask("POST", f"{POLICIES}/{ALICE}/impact", {"days": 7}, status=404)

    play(tmp_path, story)
