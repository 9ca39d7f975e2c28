"""Asking for exemptions over HTTP in the shapes of PIM for Groups: eligible, asked, approved, used, extended, ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.devices.device import Device
from ostiary.core.exemptions.asking import Wish
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.core.words.proof import Proof
from ostiary.services.access.kill_switch import turn_off, turn_on
from ostiary.services.directory.people import Change, change_user
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.end import announce_ends, announce_lapses
from ostiary.store import devices
from ostiary.store.requests import Asked
from tests.clock import MovableClock
from tests.records.asked import (
    APPROVALS,
    DANA,
    ELIGIBLE,
    ERIC,
    OWNERS,
    PIM,
    POLICY,
    REQUESTS,
    activate,
    dana,
    eligible,
    eric,
    set_user,
    settle,
)
from tests.records.house import ALICE, BOB, CLI, GROUP, alice, bob, journal, local, visit
from tests.web.graph.api import Api, play

Story = Callable[["Bench"], Awaitable[None]]


def from_device(at: Instant) -> Caller:
    """Bob, at a machine without a browser."""
    return bob(at, Origin.DEVICE_CODE)


def until(length: str) -> dict[str, Any]:
    """A `scheduleInfo`."""
    return {"expiration": {"type": "afterDuration", "duration": length}}


class Bench:
    """The API, its clock, and who sits before it."""

    def __init__(self, api: Api, clock: MovableClock) -> None:
        """As the administrator."""
        self.api, self.clock = api, clock

    async def by(
        self, who: Callable[[Instant], Caller], method: str, path: str, body: Any = None, *, status: int = 200
    ) -> Any:
        """*who*, freshly proved, asks."""
        self.api.caller = who(self.clock.now())
        return await self.api.ask(method, path, body, status=status)

    async def asked(self, **changes: Any) -> dict[str, Any]:
        """Bob asks, and it waits."""
        made: dict[str, Any] = await self.by(bob, "POST", REQUESTS, activate(**changes), status=201)
        assert made["status"] == "PendingApproval", made
        return made

    async def say(
        self, who: Callable[[Instant], Caller], id: str, result: str = "Approve", *, status: int = 204, **more: Any
    ) -> Any:
        """*who* decides the only stage."""
        body = {"reviewResult": result, "justification": "go ahead", **more}
        return await self.by(who, "PATCH", f"{APPROVALS}/{id}/stages/{more.pop('at', 0)}", body, status=status)

    async def state(self, id: str) -> str:
        """Where the request stands, in our words."""
        shown = await self.by(alice, "GET", f"{REQUESTS}/{id}")
        return str(shown["ostiary"]["state"])

    async def rule(self, id: str, *, status: int = 204, **changes: Any) -> Any:
        """The administrator changes a rule."""
        return await self.by(alice, "PATCH", f"{POLICY}/rules/{id}", changes, status=status)

    async def kinds(self) -> list[str]:
        """What the journal says happened, in order."""
        return [kind for kind, _ in await journal(self.api.house)]


def told(folder: Path, story: Story) -> None:
    """Run *story* with Bob eligible."""

    async def run(api: Api, clock: MovableClock) -> None:
        await settle(api.house)
        bench = Bench(api, clock)
        await bench.by(alice, "POST", ELIGIBLE, eligible(), status=201)
        await story(bench)

    play(folder, run)


def test_from_eligible_to_approved(tmp_path: Path) -> None:
    """Asked from a device sign-in, seen by its approver, approved in a browser; it waits for its first use."""

    async def story(bench: Bench) -> None:
        made = await bench.by(from_device, "POST", REQUESTS, activate(ostiary={"applicationId": CLI}), status=201)
        assert (made["status"], made["ostiary"]["state"], made["approvalId"]) == (
            "PendingApproval", "requested", made["id"],
        )  # fmt: skip
        (seen,) = (await bench.by(dana, "GET", f"{REQUESTS}/filterByCurrentUser(on='approver')"))["value"]
        assert (seen["id"], seen["principal"]["displayName"], seen["justification"]) == (
            made["id"], "Bob", "fix INC-4412",
        )  # fmt: skip
        approval = await bench.by(dana, "GET", f"{APPROVALS}/{made['id']}")
        assert [(s["status"], s["assignedToMe"]) for s in approval["stages"]] == [("InProgress", True)]
        assert (await bench.by(bob, "GET", f"{APPROVALS}/{made['id']}"))["stages"][0]["assignedToMe"] is False
        await bench.say(dana, made["id"])
        done = await bench.by(bob, "GET", f"{REQUESTS}/{made['id']}")
        assert (done["status"], done["ostiary"]["state"], done["ostiary"]["waits"]) == (
            "ScheduleCreated", "approved", True,
        )  # fmt: skip
        assert done["ostiary"]["decisions"][0]["reviewedBy"] == "dana@example.com"
        assert done["scheduleInfo"]["expiration"]["duration"] == "PT2H"
        mine = await bench.by(bob, "GET", f"{PIM}/assignmentScheduleInstances/filterByCurrentUser(on='principal')")
        assert [(each["id"], each["assignmentType"]) for each in mine["value"]] == [(made["id"], "activated")]
        assert (await bench.kinds())[-3:] == ["user:request:made", "user:request:decided", "user:request:approved"]
        assert (await bench.by(dana, "GET", f"{REQUESTS}/filterByCurrentUser(on='approver')"))["value"] == []

    told(tmp_path, story)


def test_only_whom_the_rules_name_decides_and_never_their_own(tmp_path: Path) -> None:
    """Not the person, not who asked for them, not a stranger, not a removed or disabled approver."""

    async def story(bench: Bench) -> None:
        made = await bench.asked()
        await bench.say(bob, made["id"], status=403)
        await bench.say(alice, made["id"], status=403)
        await set_user(bench.api.house, DANA, roles="[]")
        await bench.say(dana, made["id"], status=403)
        await set_user(bench.api.house, ERIC, enabled=0)
        await bench.say(eric, made["id"], status=403)
        await set_user(bench.api.house, ALICE, roles='["administrator", "approver"]')
        for_bob = await bench.by(alice, "POST", REQUESTS, activate(), status=201)
        assert for_bob["createdBy"]["user"]["id"] == ALICE
        await bench.say(alice, for_bob["id"], status=403)
        assert await bench.state(made["id"]) == "requested"
        assert "user:request:approved" not in await bench.kinds()

    told(tmp_path, story)


def test_r3_deciding_and_extending_need_a_browser_and_a_fresh_proof(tmp_path: Path) -> None:
    """A device sign-in neither approves nor extends nor breaks glass, whatever its scopes."""

    async def story(bench: Bench) -> None:
        made = await bench.asked()
        await bench.say(lambda at: dana(at, Origin.DEVICE_CODE), made["id"], status=403)
        await bench.say(lambda at: dana(Instant(at - minutes(6))), made["id"], status=401)
        for body in (
            activate(action="selfExtend", targetScheduleId=f"{GROUP}_member_x"),
            activate(ostiary={"breakGlass": True}),
        ):
            await bench.by(lambda at: bob(at, Origin.DEVICE_CODE), "POST", REQUESTS, body, status=403)
        await bench.by(lambda at: bob(Instant(at - minutes(6))), "POST", REQUESTS, body, status=401)

    told(tmp_path, story)


def test_an_approver_ends_what_runs_as_an_administrator_does(tmp_path: Path) -> None:
    """With a reason, in a browser; not from a device sign-in, not whom the rules do not name, and never unseen."""

    async def story(bench: Bench) -> None:
        made = await bench.asked()
        await bench.say(eric, made["id"])
        body = {
            "accessId": "member", "groupId": GROUP, "action": "adminRemove", "justification": "incident is over",
            "targetScheduleId": f"{GROUP}_member_{made['id']}",
        }  # fmt: skip
        await bench.by(lambda at: dana(at, Origin.DEVICE_CODE), "POST", REQUESTS, body, status=403)
        await bench.by(lambda at: dana(Instant(at - minutes(6))), "POST", REQUESTS, body, status=401)
        await bench.by(dana, "POST", REQUESTS, {**body, "justification": ""}, status=400)
        await set_user(bench.api.house, DANA, roles="[]")
        await bench.by(dana, "POST", REQUESTS, body, status=403)
        await set_user(bench.api.house, DANA, roles='["approver"]')
        assert await bench.state(made["id"]) == "approved"
        await bench.by(dana, "POST", REQUESTS, body, status=201)
        ended = await bench.by(alice, "GET", f"{REQUESTS}/{made['id']}")
        assert (ended["ostiary"]["state"], ended["ostiary"]["endedBy"]) == ("revoked", f"user:{DANA}")

    told(tmp_path, story)


def test_nobody_asks_who_is_not_eligible_and_every_broken_rule_is_told(tmp_path: Path) -> None:
    """403 for the one; for the other each rule at once, at its place."""

    async def story(bench: Bench) -> None:
        await bench.by(dana, "POST", REQUESTS, activate(principalId=DANA), status=403)
        await bench.by(dana, "POST", REQUESTS, activate(), status=403)
        wrong = activate(scheduleInfo={"expiration": {"type": "afterDuration", "duration": "PT9H"}}, justification="")
        error = (await bench.by(bob, "POST", REQUESTS, wrong, status=400))["error"]
        assert {each["target"] for each in error["details"]} == {"scheduleInfo.expiration", "justification"}
        await bench.by(bob, "POST", REQUESTS, activate(ostiary={"resourceId": "nobody"}), status=404)
        assert (await bench.kinds())[-1] == "user:request:refused"
        tried = await bench.by(bob, "POST", REQUESTS, activate(isValidationOnly=True), status=201)
        assert tried["status"] == "Granted"
        assert (await bench.by(bob, "GET", f"{REQUESTS}/filterByCurrentUser(on='principal')"))["value"] == []

    told(tmp_path, story)


def test_of_two_approvers_at_once_one_is_told_who_was_first(tmp_path: Path) -> None:
    """Where one yes is enough; where two are needed both count."""

    async def story(bench: Bench) -> None:
        made = await bench.asked()
        path, body = f"{APPROVALS}/{made['id']}/stages/0", {"reviewResult": "Approve", "justification": "go ahead"}
        bench.api.caller = dana(bench.clock.now())
        first = asyncio.create_task(bench.api.client.patch(path, json=body))
        await asyncio.sleep(0)
        bench.api.caller = eric(bench.clock.now())
        second = await bench.api.client.patch(path, json={**body, "reviewResult": "Deny"})
        answers = sorted([(await first).status_code, second.status_code])
        assert answers == [204, 409]
        approvers = {**stage(), "ostiary": {"approvalsNeeded": 2}}
        await bench.rule("Approval_EndUser_Assignment", setting={"approvalStages": [approvers]})
        two = await bench.asked()
        await bench.say(dana, two["id"])
        assert await bench.state(two["id"]) == "partlyApproved"
        again = await bench.say(dana, two["id"], status=409)
        assert "You have approved it already" in again["error"]["message"]
        await bench.say(eric, two["id"])
        assert await bench.state(two["id"]) == "approved"
        late = await bench.say(eric, two["id"], "Deny", status=409)
        assert "approved already by eric@example.com" in late["error"]["message"]

    told(tmp_path, story)


def stage(**changes: Any) -> dict[str, Any]:
    """One stage as Graph has it; annotations are not needed."""
    return {
        "approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": True, "isEscalationEnabled": False,
        "escalationTimeInMinutes": 0, "primaryApprovers": [{"role": "approver"}], **changes,
    }  # fmt: skip


def test_an_approver_may_say_less_and_a_no_needs_a_reason(tmp_path: Path) -> None:
    """Two hours were asked for, 45 minutes are approved; a denial says why and opens nothing."""

    async def story(bench: Bench) -> None:
        made = await bench.asked()
        await bench.say(dana, made["id"], ostiary={"duration": "PT3H"}, status=400)
        await bench.say(dana, made["id"], ostiary={"duration": "PT45M"})
        shown = await bench.by(bob, "GET", f"{REQUESTS}/{made['id']}")
        assert (shown["scheduleInfo"]["expiration"]["duration"], shown["ostiary"]["requestedDuration"]) == (
            "PT45M", "PT2H",
        )  # fmt: skip
        other = await bench.asked()
        await bench.by(dana, "PATCH", f"{APPROVALS}/{other['id']}/steps/0", {"reviewResult": "Deny"}, status=400)
        await bench.say(dana, other["id"], "Denied")
        assert (await bench.by(bob, "GET", f"{REQUESTS}/{other['id']}"))["status"] == "Denied"
        await bench.say(dana, "nobody", status=404)
        await bench.by(dana, "PATCH", f"{APPROVALS}/{other['id']}/steps/x", {"reviewResult": "Deny"}, status=404)
        await bench.by(dana, "PATCH", f"{APPROVALS}/{other['id']}/steps/0", {"justification": "hm"}, status=400)

    told(tmp_path, story)


def test_a_request_is_withdrawn_lapses_or_dies_with_its_person(tmp_path: Path) -> None:
    """By its person from anywhere; by nobody after a day; with the account, the eligibility, the kill switch."""

    async def story(bench: Bench) -> None:
        house = bench.api.house
        gone = await bench.asked()
        await bench.by(dana, "POST", f"{REQUESTS}/{gone['id']}/cancel", {}, status=403)
        await bench.by(
            lambda at: bob(at, Origin.DEVICE_CODE), "POST", f"{REQUESTS}/{gone['id']}/cancel", {}, status=204
        )
        assert (await bench.by(bob, "GET", f"{REQUESTS}/{gone['id']}"))["status"] == "Canceled"
        await bench.by(bob, "POST", f"{REQUESTS}/{gone['id']}/cancel", {}, status=409)
        late = await bench.asked()
        bench.clock.move(hours(24))
        await bench.say(dana, late["id"], status=409)
        assert await bench.state(late["id"]) == "lapsed"
        assert [await announce_lapses(house, visit(house)) for _ in range(2)] == [1, 0]
        killed = await bench.asked()
        bench.clock.move(seconds(1))
        await turn_on(house, visit(house, local()), "a phishing wave")
        assert await bench.state(killed["id"]) == "killed"
        await bench.by(bob, "POST", REQUESTS, activate(), status=400)
        await turn_off(house, visit(house, local()), "it is over")
        await bench.say(dana, killed["id"], status=409)
        assert await bench.state(killed["id"]) == "killed"
        bench.clock.move(seconds(1))
        lost = await bench.asked()
        await bench.by(alice, "POST", ELIGIBLE, eligible(action="adminRemove", justification="moved on"), status=201)
        assert await bench.state(lost["id"]) == "killed"
        await bench.by(bob, "POST", REQUESTS, activate(), status=403)

    told(tmp_path, story)


def test_a_leaver_loses_everything_at_once_and_does_not_get_it_back(tmp_path: Path) -> None:
    """Eligibility, requests and exemptions end with the account; enabling it again brings back none."""

    async def story(bench: Bench) -> None:
        house = bench.api.house
        given, asked = await bench.asked(), await bench.asked()
        await bench.say(dana, given["id"])
        await change_user(house, visit(house, alice(bench.clock.now())), BOB, Change(enabled=False))
        assert [await bench.state(each["id"]) for each in (given, asked)] == ["killed", "killed"]
        await change_user(house, visit(house, alice(bench.clock.now())), BOB, Change(enabled=True))
        await bench.by(bob, "POST", REQUESTS, activate(), status=403)
        assert (await bench.by(alice, "GET", f"{PIM}/eligibilityScheduleInstances"))["value"] == []
        kinds = await bench.kinds()
        assert {"admin:eligibility:ended", "admin:request:killed", "admin:exemption:ended"} <= set(kinds)

    told(tmp_path, story)


def test_an_extension_moves_the_end_and_needs_the_same_yes(tmp_path: Path) -> None:
    """No gap, the same rules, no more than a day; what has not begun or has ended is not extended."""

    async def story(bench: Bench) -> None:
        await bench.rule("Expiration_EndUser_Assignment", ostiary={"clock": "approval"})
        made = await bench.asked()
        await bench.say(dana, made["id"])
        target = (await bench.by(bob, "GET", f"{REQUESTS}/{made['id']}"))["targetScheduleId"]
        bench.clock.move(minutes(100))
        more = await bench.asked(action="selfExtend", targetScheduleId=target)
        assert (more["action"], more["targetScheduleId"]) == ("selfExtend", target)
        await bench.say(dana, more["id"])
        (now,) = (await bench.by(bob, "GET", f"{PIM}/assignmentScheduleInstances?$filter=principalId eq '{BOB}'"))[
            "value"
        ]
        assert (now["startDateTime"], now["endDateTime"]) == (
            "2026-11-23T08:00:00.000000Z",
            "2026-11-23T12:00:00.000000Z",
        )
        assert (await bench.kinds())[-1] == "user:exemption:extended"
        bench.clock.move(minutes(141))
        await bench.by(bob, "POST", REQUESTS, activate(action="selfExtend", targetScheduleId=target), status=409)
        assert await announce_ends(bench.api.house, visit(bench.api.house)) == 1

    told(tmp_path, story)


def test_break_glass_opens_at_once_alerts_and_owes_a_review(tmp_path: Path) -> None:
    """Whom the rules allow, for an hour at most; it stays on the list until somebody else has written about it."""

    async def story(bench: Bench) -> None:
        body = activate(
            ostiary={"breakGlass": True}, scheduleInfo={"expiration": {"type": "afterDuration", "duration": "PT1H"}}
        )
        await bench.by(bob, "POST", REQUESTS, body, status=403)
        glass = {"breakGlass": {"allowed": [{"userId": BOB}]}}
        await bench.rule("Approval_EndUser_Assignment", ostiary={**glass, "reason": "nights"})
        made = await bench.by(bob, "POST", REQUESTS, body, status=201)
        assert (made["status"], made["ostiary"]["review"], made["ostiary"]["autoApproval"]) == (
            "Provisioned", "owed", "breakGlass",
        )  # fmt: skip
        assert (await bench.kinds())[-1] == "system:alert:raised"
        owed = f"{REQUESTS}?$filter=ostiary/review eq 'owed'"
        assert [each["id"] for each in (await bench.by(alice, "GET", owed))["value"]] == [made["id"]]
        review = {"justification": "restarted the mail server"}
        await bench.by(alice, "POST", f"{REQUESTS}/{made['id']}/review", review, status=409)
        bench.clock.move(hours(1))
        assert await bench.state(made["id"]) == "expired"
        await bench.by(bob, "POST", f"{REQUESTS}/{made['id']}/review", review, status=403)
        await bench.by(alice, "POST", f"{REQUESTS}/{made['id']}/review", {"justification": "x"}, status=400)
        await bench.by(alice, "POST", f"{REQUESTS}/{made['id']}/review", review, status=204)
        await bench.by(alice, "POST", f"{REQUESTS}/{made['id']}/review", review, status=409)
        assert (await bench.by(alice, "GET", owed))["value"] == []

    told(tmp_path, story)


def test_rules_are_graphs_and_guarding_less_says_why(tmp_path: Path) -> None:
    """Read as a policy with its rules, changed one by one, every error at its path; weakening alerts."""

    async def story(bench: Bench) -> None:
        listed = "/v1.0/policies/roleManagementPolicyAssignments?$filter=" + (
            f"scopeId eq '{GROUP}' and scopeType eq 'Group' and roleDefinitionId eq 'member'"
        )
        (found,) = (await bench.by(alice, "GET", listed))["value"]
        assert (found["policyId"], len(found["policy"]["rules"])) == (POLICY.rpartition("/")[2], 8)
        assert (await bench.by(alice, "GET", listed.replace(GROUP, "other")))["value"] == []
        id = "Expiration_EndUser_Assignment"
        wrong = await bench.rule(id, maximumDuration="PT25H", ostiary={"clock": "never"}, status=400)
        assert {each["target"] for each in wrong["error"]["details"]} == {
            f"$.rules['{id}'].maximumDuration", f"$.rules['{id}'].ostiary.clock",
        }  # fmt: skip
        await bench.rule(id, maximumDuration="PT8H", status=400)
        await bench.rule(id, maximumDuration="PT8H", ostiary={"reason": "long nights"})
        assert (await bench.kinds())[-2:] == ["admin:exemption_rules:changed", "system:alert:raised"]
        shown = await bench.by(dana, "GET", f"{POLICY}/rules/{id}")
        assert (shown["maximumDuration"], shown["ostiary"]["startWindow"]) == ("PT8H", "PT8H")
        await bench.rule(id, maximumDuration="PT2H")
        await bench.by(bob, "GET", POLICY, status=403)
        await bench.by(dana, "PATCH", f"{POLICY}/rules/{id}", {"maximumDuration": "PT1H"}, status=403)
        await bench.by(alice, "GET", f"{POLICY}/rules/Other_Rule", status=404)
        people = {**stage(), "primaryApprovers": [{"groupId": OWNERS}]}
        await bench.rule(
            "Approval_EndUser_Assignment", setting={"approvalStages": [people]}, ostiary={"reason": "their servers"}
        )
        rules = {each["id"]: each for each in (await bench.by(alice, "GET", f"{POLICY}/rules"))["value"]}
        kept = rules["Approval_EndUser_Assignment"]["setting"]["approvalStages"][0]["primaryApprovers"]
        assert kept == [{"@odata.type": "#microsoft.graph.groupMembers", "groupId": OWNERS}]
        made = await bench.asked()
        await bench.say(eric, made["id"], status=403)
        await bench.say(dana, made["id"])

    told(tmp_path, story)


def test_what_a_rule_grants_needs_no_person_but_a_browser(tmp_path: Path) -> None:
    """On call: approved at once in a browser, asked of people from a device sign-in (R3)."""

    async def story(bench: Bench) -> None:
        await bench.rule(
            "Approval_EndUser_Assignment",
            ostiary={"autoApproval": [{"kind": "onCall", "groupId": OWNERS}], "reason": "on-call list"},
        )
        who = eligible(principalId=DANA)
        await bench.by(alice, "POST", ELIGIBLE, who, status=201)
        made = await bench.by(dana, "POST", REQUESTS, activate(principalId=DANA), status=201)
        assert (made["status"], made["ostiary"]["autoApproval"]) == ("ScheduleCreated", "onCall")
        waits = await bench.by(
            lambda at: dana(at, Origin.DEVICE_CODE), "POST", REQUESTS, activate(principalId=DANA), status=201
        )
        assert waits["status"] == "PendingApproval"
        assert (await bench.asked())["ostiary"]["autoApproval"] is None

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"justification": ""}, 400),
        ({"principalId": "nobody"}, 404),
        ({}, 409),
        ({"scheduleInfo": {"expiration": {"type": "noExpiration"}}, "action": "adminUpdate"}, 400),
        (
            {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "P400D"}}, "action": "adminUpdate"},
            400,
        ),
        ({"groupId": OWNERS}, 400),
        ({"scheduleInfo": {}, "action": "adminExtend"}, 400),
        ({"action": "adminRemove", "principalId": DANA}, 409),
    ],
)
def test_an_eligibility_is_given_once_and_with_an_end(tmp_path: Path, changes: dict[str, Any], status: int) -> None:
    """By an administrator, for a reason, no longer than the rules allow; changing it replaces it."""

    async def story(bench: Bench) -> None:
        await bench.by(alice, "POST", ELIGIBLE, eligible(**changes), status=status)
        await bench.by(bob, "POST", ELIGIBLE, eligible(action="adminUpdate"), status=403)
        update = eligible(
            action="adminUpdate", scheduleInfo={"expiration": {"type": "afterDuration", "duration": "P7D"}}
        )
        given = await bench.by(alice, "POST", ELIGIBLE, update, status=201)
        (mine,) = (
            await bench.by(bob, "GET", f"{PIM}/eligibilityScheduleInstances/filterByCurrentUser(on='principal')")
        )["value"]
        assert (mine["id"], mine["endDateTime"]) == (given["id"], "2026-11-30T08:00:00.000000Z")
        over = await bench.by(alice, "GET", ELIGIBLE)
        assert sorted(each["status"] for each in over["value"]) == ["Provisioned", "Revoked"]
        await bench.by(dana, "GET", f"{PIM}/eligibilitySchedules/{GROUP}_member_{given['id']}")
        unused = f"{PIM}/eligibilityScheduleInstances?$filter=ostiary/unused eq true"
        assert (await bench.by(alice, "GET", unused))["value"] == []
        bench.clock.move(hours(24 * 7))
        await bench.by(bob, "POST", REQUESTS, activate(), status=403)

    told(tmp_path, story)


def test_r4_a_trusted_device_is_one_that_is_proved_and_known(tmp_path: Path) -> None:
    """R4: nothing shown, a key of nobody, one that lapsed or is not managed: all are no."""

    async def story(bench: Bench) -> None:
        house, now = bench.api.house, bench.clock.now()
        await bench.rule("Enablement_EndUser_Assignment", ostiary={"trustedDevice": True})
        ends = Instant(now + hours(1))
        known = Device(DeviceId("d"), "laptop", jkt="key", managed=True, registered=now, admitted=now, expires=ends)
        loose = replace(known, id=DeviceId("e"), jkt="loose", managed=False)

        async def body(tx: Any) -> None:
            for each in (known, loose):
                await devices.add(tx, each)

        await house.store.write(body)

        async def asks(key: str | None) -> bool:
            wish = Wish(reason="fix INC-4412")
            shown = replace(visit(house, bob(bench.clock.now())), proof=Proof(jkt=key))
            return isinstance(await ask_exemption(house, shown, wish), Asked)

        assert [await asks(key) for key in (None, "other", "loose", "key")] == [False, False, False, True]
        bench.clock.move(hours(1))
        assert not await asks("key")

    told(tmp_path, story)
