"""The admin API's exemptions, policies and logs over HTTP, as SDKs and scripts ask for them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Scope

from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.instants import hours
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.graph import audits, exemptions, policies, signins
from ostiary.web.graph.resource import Door
from tests.clock import MovableClock
from tests.records.house import ALICE, BLOCK, BLOCK_ID, BOB, CLI, GROUP, a_house, alice, bob, journal, local, visit

PIM = "/v1.0/identityGovernance/privilegedAccess/group"
REQUESTS = f"{PIM}/assignmentScheduleRequests"
POLICIES = "/v1.0/identity/conditionalAccess/policies"


class Api:
    """One caller at a time before the real doors."""

    def __init__(self, house: House) -> None:
        """As nobody."""
        self.house = house
        self.caller = Caller()
        paths = (*exemptions.PATHS, *policies.PATHS, *signins.PATHS, *audits.PATHS)
        routes = [Route(f + p.path, Door(house, p, f, self._porch)) for f in ("/v1.0", "/beta") for p in paths]
        transport = httpx.ASGITransport(Starlette(routes=routes))
        self.client = httpx.AsyncClient(transport=transport, base_url="https://localhost:8443")

    async def _porch(self, house: House, scope: Scope) -> Visit:
        return visit(house, self.caller)

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer's JSON, when it has that *status*."""
        answer = await self.client.request(method, path, **({} if body is None else {"json": body}))
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


def play(folder: Path, story: Callable[[Api, MovableClock], Awaitable[None]], origin: Origin = Origin.BROWSER) -> None:
    """Run *story* in a fresh house, as the administrator."""

    async def run() -> None:
        async with a_house(folder) as (house, clock):
            api = Api(house)
            api.caller = alice(clock.now(), origin)
            async with api.client:
                await story(api, clock)

    asyncio.run(run())


def assign(**changes: Any) -> dict[str, Any]:
    """A body as the documentation shows it."""
    body: dict[str, Any] = {
        "accessId": "member",
        "principalId": BOB,
        "groupId": GROUP,
        "action": "adminAssign",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT2H"}},
        "justification": "Server work",
    }
    return body | changes


def test_an_assignment_is_a_request_a_schedule_and_an_instance(tmp_path: Path) -> None:
    """What was opened shows under all three names, with an end, and is gone from two of them when it is over."""

    async def story(api: Api, clock: MovableClock) -> None:
        limits = {"applicationId": CLI, "network": "203.0.113.0/24"}
        made = await api.ask("POST", REQUESTS, assign(ostiary=limits), status=201)
        assert (made["status"], made["action"], made["principalId"]) == ("Provisioned", "adminAssign", BOB)
        assert made["targetScheduleId"] == f"{GROUP}_member_{made['id']}"
        assert made["scheduleInfo"]["expiration"]["duration"] == "PT2H"
        assert made["ostiary"]["applicationId"] == CLI
        assert made["principal"]["userPrincipalName"] == "bob@example.com"
        for name, id in (
            ("assignmentScheduleInstances", made["id"]),
            ("assignmentSchedules", made["targetScheduleId"]),
        ):
            listed = (await api.ask("GET", f"{PIM}/{name}?$filter=groupId eq '{GROUP}'"))["value"]
            assert [item["id"] for item in listed] == [id]
            assert (await api.ask("GET", f"{PIM}/{name}/{id}"))["principalId"] == BOB
        clock.move(hours(2))
        api.caller = alice(clock.now())
        assert (await api.ask("GET", f"{PIM}/assignmentScheduleInstances"))["value"] == []
        over = (await api.ask("GET", f"{REQUESTS}?$filter=ostiary/state eq 'over'"))["value"]
        assert [item["status"] for item in over] == ["Revoked"]
        assert (await api.ask("GET", f"{REQUESTS}?$filter=ostiary/state eq 'active'"))["value"] == []

    play(tmp_path, story)


@pytest.mark.parametrize(
    "changes",
    [
        {"principalId": "BOB@example.com"},
        {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "2:00:00"}}},
        {"scheduleInfo": {"startDateTime": "2026-11-23T08:00:00+00:00",
                          "expiration": {"type": "AfterDuration", "endDateTime": None, "duration": "PT2H"}}},
        {"scheduleInfo": {"startDateTime": None,
                          "expiration": {"type": "afterDateTime", "endDateTime": "2026-11-23T10:00:00.0000000Z"}}},
        {"@odata.type": "#microsoft.graph.privilegedAccessGroupAssignmentScheduleRequest"},
        {"ticketInfo": {"ticketNumber": "CHG-1042", "ticketSystem": "ServiceNow"}},
    ],
)  # fmt: skip
def test_bodies_are_taken_as_sdks_and_scripts_send_them(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Durations of Python's SDK, capitals of a script, a principal name: all open two hours for Bob."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", REQUESTS, assign(**changes), status=201)
        info = made["scheduleInfo"]
        assert (made["principalId"], info["expiration"]["endDateTime"]) == (BOB, "2026-11-23T10:00:00.000000Z")
        assert made["justification"].startswith("Server work")
        assert ("CHG-1042" in made["justification"]) is ("ticketInfo" in changes)

    play(tmp_path, story)


def test_a_script_may_write_ids_in_capitals_and_leave_the_group_out(tmp_path: Path) -> None:
    """`accessID` and `groupID` are the same properties, and there is only one group."""

    async def story(api: Api, clock: MovableClock) -> None:
        body = assign(accessID="member", groupID=GROUP)
        del body["accessId"], body["groupId"]
        assert (await api.ask("POST", REQUESTS, body, status=201))["groupId"] == GROUP
        del body["groupID"]
        assert (await api.ask("POST", REQUESTS, body, status=201))["groupId"] == GROUP

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"groupId": "00000000-0000-4000-8000-000000000000"}, "groupId"),
        ({"justification": ""}, "justification"),
        ({"scheduleInfo": {"expiration": {"type": "noExpiration"}}}, "scheduleInfo.expiration"),
        ({"scheduleInfo": {}}, "scheduleInfo.expiration"),
        ({"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "P365D"}}}, "scheduleInfo.expiration"),
        ({"ostiary": {"network": "203.0.113.9/24"}}, "ostiary.network"),
        ({"ostiary": {"applicationId": "nobody"}}, "ostiary.applicationId"),
        ({"principalId": "nobody"}, "principalId"),
        ({"action": "selfRenew"}, "$.action"),
        ({"accessId": "owner"}, "$.accessId"),
        ({"unknown": 1}, "$.unknown"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], path: str) -> None:
    """The envelope is Graph's, the message begins with the property, and nothing is open."""

    async def story(api: Api, clock: MovableClock) -> None:
        answer = await api.client.post(REQUESTS, json=assign(**changes))
        assert answer.status_code in (400, 404)
        assert answer.json()["error"]["message"].startswith(path)
        assert (await api.ask("GET", f"{PIM}/assignmentScheduleInstances"))["value"] == []

    play(tmp_path, story)


def test_validation_only_opens_nothing(tmp_path: Path) -> None:
    """The answer is the one that opening would give, but for its status."""

    async def story(api: Api, clock: MovableClock) -> None:
        tried = await api.ask("POST", REQUESTS, assign(isValidationOnly=True), status=201)
        assert (tried["status"], tried["isValidationOnly"]) == ("Granted", True)
        assert (await api.ask("GET", REQUESTS))["value"] == []

    play(tmp_path, story)


def test_ending_by_person_by_schedule_and_by_oneself(tmp_path: Path) -> None:
    """An administrator names a person or a schedule; the person ends their own from a device session."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = [await api.ask("POST", REQUESTS, assign(), status=201) for _ in range(3)]
        remove = {"accessId": "member", "action": "adminRemove", "justification": "Done"}
        by_id = {**remove, "targetScheduleId": made[0]["targetScheduleId"]}
        assert (await api.ask("POST", REQUESTS, by_id, status=201))["status"] == "Revoked"
        await api.ask("POST", REQUESTS, by_id, status=409)
        api.caller = bob(clock.now(), Origin.DEVICE_CODE)
        own = {"action": "selfDeactivate", "targetScheduleId": made[1]["id"]}
        assert (await api.ask("POST", REQUESTS, own, status=201))["ostiary"]["endCause"] == "released"
        await api.ask("POST", REQUESTS, assign(), status=403)
        api.caller = local()
        assert (await api.ask("POST", REQUESTS, {**remove, "principalId": BOB}, status=201))["id"] == made[2]["id"]

    play(tmp_path, story)


def test_people_read_their_own_and_administrators_read_all(tmp_path: Path) -> None:
    """Without a role: one's own, by either way of asking; anybody else's is refused and written down."""

    async def story(api: Api, clock: MovableClock) -> None:
        await api.ask("POST", REQUESTS, assign(), status=201)
        theirs = await api.ask("POST", REQUESTS, assign(principalId=ALICE), status=201)
        assert len((await api.ask("GET", REQUESTS))["value"]) == 2
        api.caller = bob(clock.now(), Origin.DEVICE_CODE)
        for asked in ("/filterByCurrentUser(on='principal')", f"?$filter=principalId eq '{BOB}'"):
            mine = (await api.ask("GET", f"{PIM}/assignmentScheduleInstances{asked}"))["value"]
            assert [item["principalId"] for item in mine] == [BOB]
        for asked in ("", f"?$filter=principalId eq '{ALICE}'", f"/{theirs['id']}", "/unknown"):
            await api.ask("GET", f"{REQUESTS}{asked}", status=403)
        refused = [d for kind, d in await journal(api.house) if kind == "admin:request:refused"]
        assert len(refused) == 4

    play(tmp_path, story)


def test_lists_go_on_where_the_page_ended(tmp_path: Path) -> None:
    """Following the next address shows each once, also where many end in the same microsecond."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = {(await api.ask("POST", REQUESTS, assign(), status=201))["id"] for _ in range(7)}
        seen, path = [], f"{REQUESTS}?$top=3"
        while path:
            page = await api.ask("GET", path)
            seen += [item["id"] for item in page["value"]]
            path = page.get("@odata.nextLink")
        assert len(seen) == 7
        assert set(seen) == made

    play(tmp_path, story)


# ---- policies


def test_a_policy_comes_back_as_it_was_saved_and_counts_at_once(tmp_path: Path) -> None:
    """Created, read, changed and deleted in Graph's own JSON; `transferMethods` stays one text."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", POLICIES, BLOCK | {"displayName": "Second"}, status=201)
        got = await api.ask("GET", f"{POLICIES}/{made['id']}")
        assert got["conditions"] == BLOCK["conditions"]
        assert got["conditions"]["authenticationFlows"]["transferMethods"] == "deviceCodeFlow"
        await api.house.desk.reload()
        assert len(api.house.desk.picture.policies.policies) == 2
        off = {"state": "disabled", "ostiary": {"reason": "Second thoughts"}}
        await api.ask("PATCH", f"{POLICIES}/{made['id']}", off, status=204)
        assert (await api.ask("GET", f"{POLICIES}/{made['id']}"))["conditions"] == BLOCK["conditions"]
        await api.ask("DELETE", f"{POLICIES}/{made['id']}", status=204)
        assert [p["id"] for p in (await api.ask("GET", POLICIES))["value"]] == [BLOCK_ID]
        kinds = [kind for kind, _ in await journal(api.house) if kind.startswith("admin:policy")]
        assert kinds == ["admin:policy:created", "admin:policy:changed", "admin:policy:deleted"]

    play(tmp_path, story)


def test_r4_what_cannot_be_enforced_is_refused_with_every_json_path(tmp_path: Path) -> None:
    """Enabled: refused, with all of it named; report-only: saved, because nothing depends on it."""

    async def story(api: Api, clock: MovableClock) -> None:
        conditions = BLOCK["conditions"] | {"insiderRiskLevels": "minor", "signInRiskLevels": ["extreme"]}  # type: ignore[operator]
        strange = BLOCK | {"conditions": conditions}
        wrong = (await api.ask("POST", POLICIES, strange, status=400))["error"]["details"]
        assert {d["target"] for d in wrong} == {"$.conditions.insiderRiskLevels", "$.conditions.signInRiskLevels"}
        off = strange | {"state": "enabledForReportingButNotEnforced"}
        made = await api.ask("POST", POLICIES, off, status=201)
        await api.ask("PATCH", f"{POLICIES}/{made['id']}", {"state": "enabled"}, status=400)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("users", "path"),
    [
        ({"includeUsers": ["All"], "excludeGroups": ["gone"]}, "$.conditions.users.excludeGroups[0]"),
        ({"includeUsers": [ALICE, "nobody"]}, "$.conditions.users.includeUsers[1]"),
    ],
)
def test_an_enabled_policy_names_only_what_exists(tmp_path: Path, users: dict[str, Any], path: str) -> None:
    """An id that nobody has would match nobody, silently."""

    async def story(api: Api, clock: MovableClock) -> None:
        body = BLOCK | {"conditions": BLOCK["conditions"] | {"users": users}}  # type: ignore[operator]
        wrong = (await api.ask("POST", POLICIES, body, status=400))["error"]
        assert wrong["message"].startswith(path)

    play(tmp_path, story)


@pytest.mark.parametrize("number", [1.5, 2**53, -(2**60)])
def test_numbers_that_can_be_written_two_ways_are_not_kept(tmp_path: Path, number: float) -> None:
    """A document is hashed in the journal (R15); even a disabled one holds no such number."""

    async def story(api: Api, clock: MovableClock) -> None:
        body = BLOCK | {"state": "disabled", "grantControls": {"builtInControls": [number]}}
        wrong = (await api.ask("POST", POLICIES, body, status=400))["error"]
        assert wrong["message"].startswith("$.grantControls.builtInControls[0]")

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "alerts"),
    [
        ({"state": "disabled"}, 1),
        ({"conditions": {"users": {"excludeUsers": [BOB]}}}, 1),
        ({"conditions": {"applications": {"includeApplications": [CLI]}}}, 1),
        ({"conditions": {"authenticationFlows": {"transferMethods": "authenticationTransfer"}}}, 1),
        (None, 1),
        ({"displayName": "Block device codes"}, 0),
        ({"conditions": {"users": {"excludeGroups": []}}}, 0),
    ],
)
def test_whoever_weakens_the_block_raises_an_alert(tmp_path: Path, change: dict[str, Any] | None, alerts: int) -> None:
    """
    Switched off, narrowed, given another exclusion or deleted: not without a reason, and it alerts. Renaming or closing
    it further is nobody's alarm.
    """

    async def story(api: Api, clock: MovableClock) -> None:
        path = f"{POLICIES}/{BLOCK_ID}"
        status = 400 if alerts else 204
        await (api.ask("DELETE", path, status=400) if change is None else api.ask("PATCH", path, change, status=status))
        if alerts and change is None:
            await api.ask("DELETE", f"{path}?reason=A%20good%20one", status=204)
        elif alerts:
            await api.ask("PATCH", path, {**(change or {}), "ostiary": {"reason": "A good one"}}, status=204)
        found = await journal(api.house)
        assert [d["about"] for kind, d in found if kind == "system:alert:raised"] == ["guardrail_weakened"] * alerts
        reasons = [d["reason"] for kind, d in found if kind.startswith("admin:policy")]
        assert reasons == (["A good one"] if alerts else [""])

    play(tmp_path, story)


def test_r3_a_device_session_changes_no_policy(tmp_path: Path) -> None:
    """Whatever the role: reading is allowed, writing is not."""

    async def story(api: Api, clock: MovableClock) -> None:
        await api.ask("GET", POLICIES)
        await api.ask("POST", POLICIES, BLOCK, status=403)
        await api.ask("PATCH", f"{POLICIES}/{BLOCK_ID}", {"state": "disabled"}, status=403)
        await api.ask("DELETE", f"{POLICIES}/{BLOCK_ID}", status=403)
        assert (await api.ask("GET", f"{POLICIES}/{BLOCK_ID}"))["state"] == "enabled"

    play(tmp_path, story, Origin.DEVICE_CODE)


# ---- audits


def test_each_change_is_in_the_audit_log_with_actor_and_reason(tmp_path: Path) -> None:
    """Filtered by kind, actor, reference and time; one by one under its id."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = "/v1.0/auditLogs/directoryAudits"
        made = await api.ask("POST", REQUESTS, assign(), status=201)
        clock.move(hours(1))
        api.caller = local("root")
        await api.ask("POST", REQUESTS, assign(scheduleInfo={"expiration": {"duration": "PT1H"}}), status=201)
        api.caller = alice(clock.now())
        every = (await api.ask("GET", path))["value"]
        assert [a["activityDisplayName"] for a in every] == [
            "Add member to group", "Raise alert", "Add member to group"
        ]  # fmt: skip
        first = every[-1]
        assert (first["resultReason"], first["loggedByService"]) == ("Server work", "PIM")
        assert first["initiatedBy"]["user"]["id"] == ALICE
        assert first["targetResources"][0]["id"] == made["id"]
        assert every[0]["initiatedBy"] == {
            "user": None, "app": {"appId": None, "displayName": "root", "servicePrincipalId": None}
        }  # fmt: skip
        for asked, count in (
            (f"initiatedBy/user/id eq '{ALICE}'", 1),
            ("ostiary/actor eq 'local:root'", 2),
            (f"ostiary/target eq 'exemption:{made['id']}'", 1),
            ("activityDisplayName eq 'add member to group'", 2),
            (f"correlationId eq '{first['correlationId']}'", 1),
            ("activityDateTime ge 2026-11-23T09:00:00Z", 2),
            ("activityDateTime lt 2026-11-23T09:00:00Z and ostiary/kind eq 'admin:exemption:opened'", 1),
            ("activityDisplayName eq 'Delete user'", 0),
        ):
            found = await api.ask("GET", f"{path}?$count=true&$filter={asked}")
            assert (len(found["value"]), found["@odata.count"]) == (count, count), asked
        assert (await api.ask("GET", f"{path}/{first['id']}"))["id"] == first["id"]
        await api.ask("GET", f"{path}/n1.999", status=404)
        await api.ask("GET", f"{path}?$filter=ostiary/actor eq 'a' or ostiary/actor eq 'b'", status=400)

    play(tmp_path, story)
