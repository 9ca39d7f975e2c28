"""The sign-in log over HTTP: one record from the request to the end, lists by Graph's filters, and retention."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import NOBODY, Caller, CallerKind
from ostiary.core.words.instants import days, hours, minutes, seconds, to_iso
from ostiary.services.exemptions.use import begin
from ostiary.services.house import House
from ostiary.services.logs import prune_sign_ins
from ostiary.services.logs.record import record
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, exemptions, gone
from ostiary.store.schema import sessions
from ostiary.store.sql import sql
from tests.clock import MovableClock
from tests.records.asked import APPROVALS, ELIGIBLE, REQUESTS, activate, dana, eligible, settle
from tests.records.house import ALICE, BOB, CLI, alice, bob, visit
from tests.web.graph.api import Api, play

LOG = "/beta/auditLogs/signIns"
PLACE = {"address": "198.51.100.7", "country": "NO", "network": 64500, "coordinates": [599139, 107522]}
FACTS: dict[str, Any] = {
    "requester": PLACE, "person": {"address": "192.0.2.1", "country": "SE", "network": 64501},
    "amr": ["pwd", "otp", "mfa"], "proofAge": 60,
}  # fmt: skip
POLICY = {
    "id": "p1", "displayName": "Short sessions", "result": "success", "enforcedGrantControls": ["mfa"],
    "enforcedSessionControls": ["signInFrequency"],
}  # fmt: skip


async def leave(house: House, kind: Kind, story: str, caller: Caller = NOBODY, **detail: Any) -> None:
    """One entry at the house's time."""
    seen = visit(house, caller, address="198.51.100.7" if caller is NOBODY else "192.0.2.1")
    await house.store.write(lambda tx: record(tx, seen, Entry(kind, story=story, detail=detail)))


async def sign_in(house: House, clock: MovableClock, story: str, exemption: str = "") -> None:
    """A device sign-in of Bob, from the code to the tokens."""
    started: dict[str, Any] = {
        "client": CLI,
        "client_name": "CLI",
        "resource": "r1",
        "ends": clock.now() + minutes(5),
        "key": "k",
    }
    await leave(house, Kind.STARTED, story, **started)
    clock.move(seconds(30))
    who = bob(clock.now())
    await leave(house, Kind.CLAIMED, story, who, user=BOB, user_name="bob@example.com", facts=FACTS, policy_version=7)
    judged: dict[str, Any] = {"facts": FACTS, "policy_version": 7, "policies": [POLICY], "outcome": "allowed"}
    await leave(house, Kind.APPROVED, story, who, user=BOB, exemption=exemption, amr=["pwd", "otp", "mfa"], **judged)
    clock.move(seconds(5))
    given: dict[str, Any] = {
        "user": BOB,
        "client": CLI,
        "session": f"f-{story}",
        "exemption": exemption,
        "jti": "j1",
        "scopes": ["a"],
    }
    await leave(house, Kind.REDEEMED, story, **given, **judged)


async def session(house: House, story: str, exemption: str) -> None:
    """The row of the session that the sign-in gave."""
    now = house.clock.now()
    values = {
        "id": f"f-{story}", "kind": "device", "origin": "device_code", "user": BOB, "story": story, "created": now,
        "seen": now, "idle_ends": now + hours(9), "ends": now + hours(9), "authenticated": now, "amr": "",
        "exemption": exemption,
    }  # fmt: skip
    statement = sql(insert(sessions).values({name: bindparam(name) for name in values}))
    await house.store.write(lambda tx: tx.run(statement, **values))


def test_one_record_tells_from_the_request_to_the_end(tmp_path: Path) -> None:
    """Who asked and why, who approved how and when, activation, both sides, the decision, the tokens, the end."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await settle(house)
        await api.ask("POST", ELIGIBLE, eligible(), status=201)
        api.caller = bob(clock.now())
        asked = await api.ask("POST", REQUESTS, activate(), status=201)
        clock.move(minutes(3))
        api.caller = dana(clock.now())
        yes = {"reviewResult": "Approve", "justification": "go ahead"}
        await api.ask("PATCH", f"{APPROVALS}/{asked['id']}/stages/0", yes, status=204)
        clock.move(hours(2))  # the sign-in comes long after the request
        await sign_in(house, clock, "s1", asked["id"])

        async def first_use(tx: Tx) -> None:
            window = await exemptions.find(tx, asked["id"])
            assert window is not None
            await begin(tx, visit(house, bob(clock.now())), window, story="s1")

        await house.store.write(first_use)
        await session(house, "s1", asked["id"])
        for number in range(300):
            clock.move(seconds(1))
            await leave(house, Kind.REFRESHED, "s1", session="f-s1", jti=f"j{number + 2}", n=number)
        clock.move(minutes(10))
        api.caller = alice(clock.now())
        ending = {"action": "adminRemove", "accessId": "member", "principalId": BOB, "justification": "done"}
        await api.ask("POST", REQUESTS, ending | {"groupId": activate()["groupId"]}, status=201)
        told = await api.ask("GET", f"{LOG}/s1")
        ours = told["ostiary"]
        steps = [(step["step"], step["count"]) for step in ours["story"]]
        assert steps == [
            ("user:request:made", 1), ("user:request:decided", 1), ("user:request:approved", 1),
            ("device:signin:started", 1), ("device:signin:claimed", 1), ("device:signin:approved", 1),
            ("user:exemption:begun", 1), ("device:signin:redeemed", 1),
            ("token:session:refreshed", 300), ("token:session:refreshed", 300), ("ended", 1),
        ]  # fmt: skip
        decided = ours["story"][1]
        assert (decided["displayName"], decided["reason"]) == ("dana@example.com", "go ahead")
        assert decided["authenticationMethods"] == ["pwd", "otp", "mfa"]
        assert ours["story"][-1]["reason"] == "exemption_ended"
        assert ours["request"]["justification"] == "fix INC-4412"
        assert ours["request"]["ostiary"]["decisions"][0]["authenticationMethods"] == ["pwd", "otp", "mfa"]
        assert (ours["refreshCount"], ours["endCause"]) == (300, "exemption_ended")
        assert [step["uniqueTokenIdentifier"] for step in ours["story"] if step["uniqueTokenIdentifier"]] == [
            "j1", "j2", "j301",
        ]  # fmt: skip
        assert ours["story"][4]["policyVersion"] == 7

    play(tmp_path, story)


def test_every_field_of_graph_is_filled_truthfully(tmp_path: Path) -> None:
    """Both sides' places, what the person proved and when, what its tokens are bound to; v1.0 lacks what beta has."""

    async def story(api: Api, clock: MovableClock) -> None:
        await sign_in(api.house, clock, "s1")
        (row,) = (await api.ask("GET", LOG))["value"]
        assert row["location"] == {
            "city": None, "state": None, "countryOrRegion": "NO",
            "geoCoordinates": {"altitude": None, "latitude": 59.9139, "longitude": 10.7522},
        }  # fmt: skip
        assert (row["autonomousSystemNumber"], row["ostiary"]["approverNetwork"]) == (64500, 64501)
        assert (row["ipAddress"], row["ostiary"]["approverAddress"]) == ("198.51.100.7", "192.0.2.1")
        assert row["ostiary"]["approverLocation"]["countryOrRegion"] == "SE"
        tenant = api.house.desk.picture.organisation.tenant
        assert (row["homeTenantId"], row["resourceTenantId"], row["userType"]) == (tenant, tenant, "member")
        assert [step["authenticationMethod"] for step in row["authenticationDetails"]] == [
            "Password", "One-time passcode",
        ]  # fmt: skip
        proved = to_iso(clock.now() - seconds(65))  # type: ignore[arg-type]
        assert {step["authenticationStepDateTime"] for step in row["authenticationDetails"]} == {proved}
        assert row["mfaDetail"] == {"authMethod": "One-time passcode", "authDetail": None}
        assert row["tokenProtectionStatusDetails"]["signInSessionStatus"] == "bound"
        assert [policy["detail"] for policy in row["sessionLifetimePolicies"]] == ["Short sessions"]
        assert (row["riskState"], row["riskDetail"], row["riskLevelAggregated"], row["riskEventTypes_v2"]) == (
            "none", "none", "none", [],
        )  # fmt: skip
        assert (row["servicePrincipalId"], row["isInteractive"], row["signInEventTypes"]) == (
            None, True, ["interactiveUser"],
        )  # fmt: skip
        assert (row["sessionId"], row["uniqueTokenIdentifier"]) == ("f-s1", "j1")
        (stable,) = (await api.ask("GET", "/v1.0/auditLogs/signIns"))["value"]
        assert set(row) - set(stable) == {
            "authenticationProtocol", "originalTransferMethod", "signInEventTypes", "incomingTokenType", "sessionId",
            "uniqueTokenIdentifier", "authenticationRequirement", "authenticationDetails", "mfaDetail",
            "authenticationContextClassReferences", "autonomousSystemNumber", "sessionLifetimePolicies",
            "tokenProtectionStatusDetails", "federatedCredentialId", "userType", "crossTenantAccessType",
        }  # fmt: skip
        await api.ask("GET", "/v1.0/auditLogs/signIns?$filter=authenticationProtocol eq 'deviceCode'", status=400)

    play(tmp_path, story)


def test_a_workload_is_a_service_principal(tmp_path: Path) -> None:
    """Nobody sits there: not interactive, no person, its application as the principal, its trust as the credential."""

    async def story(api: Api, clock: MovableClock) -> None:
        issued: dict[str, Any] = {"client": CLI, "client_name": "Deploy", "trust": "t1", "resource": "r1", "jti": "j"}
        await leave(api.house, Kind.WORKLOAD_ISSUED, "w1", **issued)
        (row,) = (await api.ask("GET", f"{LOG}?$filter=signInEventTypes/any(t: t eq 'servicePrincipal')"))["value"]
        assert (row["isInteractive"], row["signInEventTypes"], row["userType"]) == (False, ["servicePrincipal"], None)
        assert (row["servicePrincipalId"], row["servicePrincipalName"]) == (CLI, "Deploy")
        assert (row["federatedCredentialId"], row["authenticationDetails"]) == ("t1", [])

    play(tmp_path, story)


def test_lists_are_asked_as_graph_is(tmp_path: Path) -> None:
    """By name, address, the beginning of either, resource, access, transfer method, event, several values."""

    async def story(api: Api, clock: MovableClock) -> None:
        await sign_in(api.house, clock, "s1")
        clock.move(seconds(1))
        await leave(api.house, Kind.START_REFUSED, "s2", client=CLI, reason="blocked", rules=["Block"])
        clock.move(seconds(1))
        await leave(api.house, Kind.SIGNED_IN, "s3", alice(clock.now()), user_name="alice@example.com", session="b")
        asked = {
            "userPrincipalName eq 'Bob@example.com'": ["s1"],
            "startswith(userPrincipalName,'B')": ["s1"],
            "startswith(userPrincipalName,'')": ["s3", "s1"],
            "startswith(userPrincipalName,'nobody')": [],
            "startswith(ipAddress,'198.51.')": ["s2", "s1"],
            f"userId in ('{ALICE}', '{BOB}')": ["s3", "s1"],
            "resourceId eq 'r1'": ["s1"],
            "conditionalAccessStatus eq 'failure'": ["s2"],
            "conditionalAccessStatus eq 'failure' or conditionalAccessStatus eq 'success'": ["s2", "s1"],
            "originalTransferMethod eq 'deviceCodeFlow'": ["s2", "s1"],
            "originalTransferMethod eq 'none'": ["s3"],
            "signInEventTypes/any(t: t eq 'interactiveUser')": ["s3", "s2", "s1"],
            "status/errorCode ne 0 and originalTransferMethod eq 'deviceCodeFlow'": ["s2"],
        }
        for filter, ids in asked.items():
            found = await api.ask("GET", f"{LOG}?$filter={filter}&$top=1000&$count=true")
            assert ([row["id"] for row in found["value"]], found["@odata.count"]) == (ids, len(ids)), filter
        await api.ask("GET", f"{LOG}?$top=1001", status=400)
        await api.ask("GET", f"{LOG}?$filter=userId eq 'a' or appId eq 'b'", status=400)
        first = await api.ask("GET", f"{LOG}?$top=2")
        rest = await api.ask("GET", first["@odata.nextLink"])
        assert [row["id"] for row in first["value"] + rest["value"]] == ["s3", "s2", "s1"]

    play(tmp_path, story)


def test_old_sign_ins_leave_the_log_with_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces, each said; those of an exemption that is open or owes a review stay, and so does what went on."""
    monkeypatch.setattr(prune_sign_ins, "BATCH", 4)

    async def story(api: Api, clock: MovableClock) -> None:
        body = activate(action="adminAssign", principalId=ALICE, justification="outage")
        own = await api.ask("POST", REQUESTS, body, status=201)
        assert own["ostiary"]["review"] == "owed"
        for number in range(10):
            await sign_in(api.house, clock, f"s{number}", own["id"] if number == 2 else "")
        await catch_up(api.house, visit(api.house))
        clock.move(days(20))
        await leave(api.house, Kind.REFRESHED, "s5", session="f-s5")
        clock.move(days(21))
        await sign_in(api.house, clock, "young")
        house = replace(api.house, settings=replace(api.house.settings, sign_ins_kept=days(40)))
        await catch_up(house, visit(house))
        assert await prune_sign_ins.prune_sign_ins(house, visit(house, Caller(CallerKind.SYSTEM, "old"))) == 8
        assert await prune_sign_ins.prune_sign_ins(house, visit(house)) == 0
        assert await prune_sign_ins.prune_sign_ins(api.house, visit(house)) == 0
        api.caller = alice(clock.now())
        left = {row["id"] for row in (await api.ask("GET", LOG))["value"]}
        assert left == {"s2", "s5", "young"}
        filter = "activityDisplayName eq 'Remove sign-ins past retention'"
        said = (await api.ask("GET", f"/v1.0/auditLogs/directoryAudits?$filter={filter}"))["value"]
        found = [{each["key"]: each["value"] for each in one["additionalDetails"]} for one in said]
        assert sum(int(each["count"]) for each in found) == 8
        assert len(found) == 3
        assert {each["reason"] for each in found} == {"kept for 40 days"}

    play(tmp_path, story)


def test_a_piece_of_old_sign_ins_follows_the_index(tmp_path: Path) -> None:
    """What is looked for each hour in ten million rows is found where the oldest are."""

    async def story(api: Api, _: MovableClock) -> None:
        async def body(tx: Any) -> list[str]:
            statement = gone._OLD_STORIES
            given = dict.fromkeys(statement.names, 1) | statement.constants
            return [row[3] for row in tx._execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", given)]

        (plan,) = await api.house.store.survey(body)
        assert plan.startswith("SEARCH stories USING INDEX stories_started (")

    play(tmp_path, story)
