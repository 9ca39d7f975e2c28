"""
What happened before the auditor came, played through the doors of a running server: pages, the admin API, the device
flow. Eligibility, a request that two people approve, sign-ins and refreshes, a policy that changes meanwhile, one
exemption that is ended before its time, one that nobody uses, and break-glass that nobody reviews.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from ostiary.core.words.instants import days, minutes, seconds
from tests.attacks.stage import ABROAD, HOME, Machine, Stage
from tests.attacks.test_bad_input import token_of
from tests.attacks.visitor import Visitor

PIM = "/v1.0/identityGovernance/privilegedAccess/group"
POLICIES = "/v1.0/identity/conditionalAccess/policies"
PEOPLE = ("alice", "bea", "dana", "emil")
RULE = "Approval_EndUser_Assignment"
SECOND_FACTOR = "Second factor for device sign-ins"
ALICE_SAYS, ALICE_TICKET = "restore the billing database", "INC-4412"
EMIL_SAYS, BEA_SAYS, DANA_SAYS = "patch the build agents", "the approvers are on a plane", "look at the scanner"
ENDED_FOR, ENFORCED_FOR = "the agents are gone", "the trial week is over"


@dataclass(frozen=True)
class SignedIn:
    """One device sign-in."""

    machine: Machine
    at: str
    """The address that it asked from."""
    decided: str
    """The address that the person decided from."""
    tokens: dict[str, Any]


class History:
    """The house, its people at their browsers, and what they did."""

    def __init__(self, stage: Stage, scene: ExitStack) -> None:
        """Play it. The browsers are closed with *scene*."""
        self.stage, self.server, self._scene = stage, stage.server, scene
        self.group = stage.house.desk.picture.exception_group
        self.began = self.server.clock.now()
        self.bea = Administrator(self.person("bea"))
        self._ids = {name: str(self.bea.ask("GET", f"/v1.0/users/{self.name(name)}")["id"]) for name in PEOPLE}
        self._settle()
        self.policy = self._policy()
        self.request = self._asked("alice", ALICE_SAYS, ALICE_TICKET)
        for approver, why in (("bea", "known incident"), ("carl", "agreed on the call")):
            self._approves(approver, self.request, why)
        self.alice = self._signs_in("alice")
        for _ in range(2):
            self.server.clock.move(minutes(6))
            self._refreshes(self.alice)
        self.emils = self._asked("emil", EMIL_SAYS, "")
        for approver in ("bea", "carl"):
            self._approves(approver, self.emils, "as planned")
        self.emil = self._signs_in("emil")
        self._ends("emil", ENDED_FOR)
        self.unused = self._opened("dana", DANA_SAYS)
        self.glass = self._opened("bea", BEA_SAYS)
        self._signs_in("bea")
        self.server.clock.move(days(2))
        self.quiet = self.server.clock.now()
        """A day on which the policy was not enforced yet."""
        self.server.clock.move(days(1))
        self._enforced()

    # ---- people

    def person(self, name: str, network: str = HOME) -> Visitor:
        """*name* at a browser of their own, signed in with both factors."""
        browser, who = self._visitor(network), self.server.people[name]
        browser.sign_in(who.username, who.password, who.totp())
        return browser

    def _visitor(self, network: str) -> Visitor:
        made = Visitor(self.server.origin, self.server.ca_file, self.stage.address(network))
        return self._scene.enter_context(made)

    def name(self, name: str) -> str:
        """The principal name of *name*."""
        return self.server.people[name].username

    # ---- what they do

    def _settle(self) -> None:
        carl = f"/v1.0/users/{self.name('carl')}"
        self.bea.ask("PATCH", carl, {"ostiary": {"roles": ["approver"], "reason": "on call"}}, status=204)
        for name in ("alice", "emil"):
            expiration = {"type": "afterDuration", "duration": "P90D"}
            body = {
                "accessId": "member", "action": "adminAssign", "principalId": self._ids[name], "groupId": self.group,
                "justification": "runs the servers", "scheduleInfo": {"expiration": expiration},
            }  # fmt: skip
            self.bea.ask("POST", f"{PIM}/eligibilityScheduleRequests", body, status=201)
        rule = f"/v1.0/policies/roleManagementPolicies/Group_{self.group}_member/rules/{RULE}"
        setting = self.bea.ask("GET", rule)["setting"]
        for one in setting["approvalStages"]:
            one["ostiary"] = {**one.get("ostiary", {}), "approvalsNeeded": 2}
        self.bea.ask("PATCH", rule, {"setting": setting}, status=204)

    def _policy(self) -> str:
        document = {
            "displayName": SECOND_FACTOR, "state": "enabledForReportingButNotEnforced",
            "conditions": {
                "users": {"includeGroups": [self.group]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"], "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
            },
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        }  # fmt: skip
        return str(self.bea.ask("POST", POLICIES, document, status=201)["id"])

    def _enforced(self) -> None:
        changes = {"state": "enabled", "ostiary": {"reason": ENFORCED_FOR}}
        self._fresh().ask("PATCH", f"{POLICIES}/{self.policy}", changes, status=204)

    def _asked(self, name: str, reason: str, ticket: str) -> str:
        """*name* asks for two hours on the page; the id of the request."""
        browser = self.person(name)
        page = browser.get("/requests/new")
        done = browser.submit(page, "/requests/new", reason=reason, ticket=ticket, length="120")
        assert done.status_code == 303, done.text
        return str(done.headers["location"].rpartition("/")[2])

    def _approves(self, name: str, request: str, why: str) -> None:
        browser, path = self.person(name), f"/approvals/{request}"
        done = browser.submit(browser.get(path), path, verdict="approve", reason=why)
        assert done.status_code == 303, done.text

    def _signs_in(self, name: str) -> SignedIn:
        """A machine abroad asks, *name* decides at home."""
        at = self._visitor(ABROAD)
        machine, browser = Machine(self.stage, at, None), self.person(name)
        started = machine.start()
        assert started.status_code == 200, started.text
        browser.approve(browser.claim(started.json()["user_code"]))
        self.server.clock.move(seconds(5))
        got = machine.poll(started.json()["device_code"])
        assert got.status_code == 200, got.text
        return SignedIn(machine, at.address, browser.address, got.json())

    def _refreshes(self, one: SignedIn) -> None:
        got = one.machine.refresh(one.tokens["refresh_token"])
        assert got.status_code == 200, got.text
        one.tokens.update(got.json())

    def _opened(self, name: str, reason: str) -> str:
        """Bea opens an exemption for *name*: for herself that is break-glass."""
        expiration = {"type": "afterDuration", "duration": "PT1H"}
        body = {
            "accessId": "member", "action": "adminAssign", "principalId": self._ids[name], "groupId": self.group,
            "justification": reason, "scheduleInfo": {"expiration": expiration},
        }  # fmt: skip
        return str(self._fresh().ask("POST", f"{PIM}/assignmentScheduleRequests", body, status=201)["id"])

    def _ends(self, name: str, reason: str) -> None:
        body = {
            "accessId": "member", "action": "adminRemove", "principalId": self._ids[name], "groupId": self.group,
            "justification": reason,
        }  # fmt: skip
        self._fresh().ask("POST", f"{PIM}/assignmentScheduleRequests", body, status=201)

    def _fresh(self) -> "Administrator":
        """Bea, who proves herself again: what is older than five minutes opens nothing (R3)."""
        self.bea = Administrator(self.person("bea"))
        return self.bea


class Administrator:
    """An administrator at the admin API, with the token of a browser sign-in."""

    def __init__(self, browser: Visitor) -> None:
        """Signed in at *browser*."""
        self._http, self._token = browser.http, token_of(browser)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
        """One call, which ends with *status*."""
        answer: httpx.Response = self._http.request(
            method, path, json=body, headers={"authorization": f"Bearer {self._token}"}
        )
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None
