"""
Entra's rules of conditional access, one test each under the first words of the rule, asked of this engine in documents
as Graph writes them. Where a rule is not ours, `ours` says what is instead and why, and that is what is asserted.

Sources: pages below https://learn.microsoft.com/entra/identity/.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ostiary.core.access.compile import State, compile_policy
from ostiary.core.access.decision import Decision, Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import UNKNOWN, DeviceFacts, Facts, Treat
from ostiary.core.access.locations import COUNTRY, IP, TYPE, read_location
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.words.ids import PolicyId
from tests.core.access.given import ALICE, API, BOB, EXCEPTION, OTHER, STAFF, document, facts

ALLOWED, BLOCKED, CONTROLS = Outcome.ALLOWED, Outcome.BLOCKED, Outcome.CONTROLS
REPORT = State.REPORT_ONLY.value
STRENGTH = "00000000-0000-0000-0000-00000000000"
PASSWORD, MFA, KEY = ("pwd",), ("pwd", "otp", "mfa"), ("hwk", "user", "mfa")
SECOND = ("pwd", "hwk", "mfa")
"""A key beside a password: `mfa` may mean the password, so it is no stronger than any second factor."""
COMPLIANT, PLAIN = DeviceFacts("d", compliant=True), DeviceFacts("d")
IN_PLACE = {"transfer_method": None}


def grant(*controls: str, operator: str = "OR", strength: int = 0) -> dict[str, Any]:
    """Graph's `grantControls`."""
    asked: dict[str, Any] = {"operator": operator, "builtInControls": list(controls)}
    return asked | ({"authenticationStrength": {"id": f"{STRENGTH}{strength}"}} if strength else {})


def rule(name: str = "Rule", **changes: Any) -> dict[str, Any]:
    """A policy document; without *changes* it blocks every device code."""
    return document(displayName=name, **changes)


def everyone(*excluded: str, **more: Any) -> dict[str, Any]:
    """Graph's `users`: all but the groups *excluded*."""
    return {"includeUsers": ["All"], "excludeGroups": list(excluded), **more}


def filtered(text: str, mode: str = "include") -> dict[str, Any]:
    """Graph's `devices`."""
    return {"deviceFilter": {"mode": mode, "rule": text}}


@dataclass(frozen=True)
class Asked:
    """Policies and a sign-in, and what comes of them."""

    policies: tuple[dict[str, Any], ...]
    known: dict[str, Any]
    outcome: Outcome
    results: tuple[Result, ...] = ()
    """Of each policy, in their order; empty: not looked at."""
    missing: tuple[str, ...] | None = None
    treat: Treat = Treat.STRICT


@dataclass(frozen=True)
class Saved:
    """A document of a policy, and where it is refused; no path: it is taken."""

    document: dict[str, Any]
    path: str = ""


@dataclass(frozen=True)
class Located:
    """A document of a named location, and where it is refused; no path: it is taken."""

    document: dict[str, Any]
    path: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of Entra's."""

    words: str
    """Its first words."""
    source: str
    asked: tuple[Asked | Saved | Located, ...]
    ours: str = field(default="", kw_only=True)
    """What is here instead, and why; empty: the same."""


RULES = (
    Rule(
        "All assignments in one policy are ANDed",
        "conditional-access/concept-conditional-access-policies",
        (
            Asked((rule(),), {}, BLOCKED),
            Asked((rule(users={"includeUsers": [BOB]}),), {}, ALLOWED),
            Asked((rule(applications={"includeApplications": [OTHER]}),), {}, ALLOWED),
            Asked((rule(clientAppTypes=["browser"]),), {}, ALLOWED),
            Asked((rule(),), IN_PLACE, ALLOWED),
            Asked((rule(platforms={"includePlatforms": ["iOS"]}),), {"platform": "linux"}, ALLOWED),
            Asked((rule(platforms={"includePlatforms": ["iOS"]}),), {"platform": "iOS"}, BLOCKED),
            Asked((rule(signInRiskLevels=["high"]),), {"sign_in_risk": "low"}, ALLOWED),
            Asked((rule(userRiskLevels=["high", "medium"]),), {"user_risk": "medium"}, BLOCKED),
        ),
    ),
    Rule(
        "all matching policies must be satisfied; there is no priority order",
        "conditional-access/concept-conditional-access-policies",
        (
            Asked((rule("one", grantControls=grant("mfa")), rule("two", grantControls=grant("compliantDevice"))),
                  {"amr": MFA, "person_device": PLAIN}, BLOCKED, (Result.SUCCESS, Result.FAILURE)),
            Asked((rule("two", grantControls=grant("compliantDevice")), rule("one", grantControls=grant("mfa"))),
                  {"amr": MFA, "person_device": PLAIN}, BLOCKED, (Result.FAILURE, Result.SUCCESS)),
            Asked((rule("one", grantControls=grant("mfa")), rule("two", grantControls=grant("compliantDevice"))),
                  {"amr": MFA, "person_device": COMPLIANT}, ALLOWED, (Result.SUCCESS, Result.SUCCESS)),
        ),
    ),
    Rule(
        "Phase 1 gathers session details, phase 2 enforces: block first, then the grant controls, then the session's",
        "conditional-access/concept-conditional-access-policies",
        (
            Asked((rule("mfa", grantControls=grant("mfa")), rule("block")), {"amr": MFA}, BLOCKED, missing=()),
            Asked((rule("mfa", grantControls=grant("mfa")), rule("block")), {}, BLOCKED, missing=()),
            Asked((rule("device", grantControls=grant("compliantDevice")), rule("mfa", grantControls=grant("mfa"))),
                  {"person_device": PLAIN}, BLOCKED, missing=("compliantDevice", "mfa")),
            Asked((rule(grantControls=grant("mfa"),
                        sessionControls={"signInFrequency": {"type": "hours", "value": 1, "isEnabled": True}}),),
                  {"proof_age": 7200}, CONTROLS, missing=("mfa", "signInFrequency: 1 hours")),
        ),
        ours="All that is missing is told at once and brought in any order: there is one page, not one prompt each.",
    ),
    Rule(
        "Several grant controls: portal default AND, OR selectable",
        "conditional-access/concept-conditional-access-grant",
        (
            Asked((rule(grantControls=grant("mfa", "compliantDevice", operator="AND")),),
                  {"amr": MFA, "person_device": PLAIN}, BLOCKED),
            Asked((rule(grantControls=grant("mfa", "compliantDevice", operator="AND")),),
                  {"amr": MFA, "person_device": COMPLIANT}, ALLOWED),
            Asked((rule(grantControls=grant("mfa", "compliantDevice")),), {"amr": MFA, "person_device": None}, ALLOWED),
            Asked((rule(grantControls=grant("mfa", "compliantDevice")),), {"person_device": COMPLIANT}, ALLOWED),
            Asked((rule(grantControls=grant("mfa", "compliantDevice")),), {"person_device": PLAIN}, CONTROLS),
            Asked((rule(grantControls=grant("compliantDevice", strength=2, operator="AND")),),
                  {"amr": PASSWORD, "person_device": COMPLIANT}, CONTROLS),
            Saved(rule(grantControls=grant("mfa", operator="XOR")), "$.grantControls.operator"),
            Saved(rule(grantControls=grant("mfa", "block")), "$.grantControls.builtInControls"),
        ),
    ),
    Rule(
        "Exclude beats include for the same policy",
        "conditional-access/concept-conditional-access-users-groups",
        (
            Asked((rule(users={"includeUsers": [ALICE], "excludeUsers": [ALICE]}),), {}, ALLOWED),
            Asked((rule(users={"includeUsers": [ALICE], "excludeGroups": [STAFF]}),), {}, ALLOWED),
            Asked((rule(users={"includeGroups": [STAFF], "excludeUsers": [ALICE]}),), {}, ALLOWED),
            Asked((rule(users={"includeGroups": [STAFF], "excludeRoles": ["auditor"]}),),
                  {"roles": frozenset({"auditor"})}, ALLOWED),
            Asked((rule(applications={"includeApplications": ["All"], "excludeApplications": [API]}),), {}, ALLOWED),
            Asked((rule("a", users=everyone(STAFF)), rule("b", users=everyone(EXCEPTION))), {}, BLOCKED,
                  (Result.NOT_APPLIED, Result.FAILURE)),
        ),
    ),
    Rule(
        "CA runs after first-factor authentication",
        "conditional-access/concept-conditional-access-policies",
        (
            Asked((rule(users=everyone(EXCEPTION)),), {"user": UNKNOWN, "groups": UNKNOWN, "amr": UNKNOWN}, ALLOWED,
                  treat=Treat.LATER),
            Asked((rule(),), {"user": UNKNOWN, "groups": UNKNOWN, "amr": UNKNOWN}, BLOCKED, treat=Treat.LATER),
            Asked((rule(grantControls=grant("mfa")),), {"user": UNKNOWN, "amr": UNKNOWN}, ALLOWED, treat=Treat.LATER),
            Asked((rule(users=everyone(EXCEPTION)),), {"groups": frozenset({EXCEPTION})}, ALLOWED, treat=Treat.LATER),
        ),
        ours="Policy is asked before a code exists as well (R1), so that nobody can send one around which nobody may "
        "approve; what turns on the person is left for the claim.",
    ),
    Rule(
        "`mfa` and `authenticationStrength` can't be in the same policy's grant",
        "authentication/concept-authentication-strengths",
        (
            Saved(rule(grantControls=grant("mfa", strength=4)), "$.grantControls.authenticationStrength"),
            Saved(rule(grantControls=grant("compliantDevice", strength=4, operator="AND"))),
            Asked((rule("one", grantControls=grant("mfa")), rule("two", grantControls=grant(strength=4))),
                  {"amr": MFA}, CONTROLS, (Result.SUCCESS, Result.FAILURE)),
        ),
    ),
    Rule(
        "Built-in strength ids",
        "authentication/concept-authentication-strengths",
        (
            *(Asked((rule(grantControls=grant(strength=number)),), {"amr": amr}, outcome)
              for number, passes in ((2, (MFA, KEY, SECOND)), (3, (KEY,)), (4, (KEY,)))
              for amr in (PASSWORD, MFA, KEY, SECOND)
              for outcome in (ALLOWED if amr in passes else CONTROLS,)),
            Saved(rule(grantControls=grant(strength=5)), "$.grantControls.authenticationStrength.id"),
        ),
        ours="Own strengths do not exist here: one that is named is refused on save. What is passwordless here resists "
        "phishing as well, since every key answers to its own origin.",
    ),
    Rule(
        "Report-only: results reportOnlySuccess, reportOnlyFailure, reportOnlyInterrupted, reportOnlyNotApplied",
        "conditional-access/concept-conditional-access-report-only",
        (
            Asked((rule(state=REPORT),), {}, ALLOWED, (Result.REPORT_FAILURE,)),
            Asked((rule(state=REPORT, grantControls=grant("mfa")),), {"amr": MFA}, ALLOWED, (Result.REPORT_SUCCESS,)),
            Asked((rule(state=REPORT, grantControls=grant("mfa")),), {}, ALLOWED, (Result.REPORT_FAILURE,)),
            Asked((rule(state=REPORT, users={"includeUsers": [BOB]}),), {}, ALLOWED, (Result.REPORT_NOT_APPLIED,)),
            Asked((rule("would", state=REPORT), rule("does", grantControls=grant("mfa"))), {}, CONTROLS,
                  (Result.REPORT_FAILURE, Result.FAILURE), missing=("mfa",)),
            Saved(rule(applications={"includeUserActions": ["urn:user:registerdevice"]}),
                  "$.conditions.applications.includeUserActions"),
        ),
        ours="reportOnlyInterrupted is reportOnlyFailure here, with what is missing beside it: nobody is interrupted "
        "by a policy that is not enforced, so it cannot be known whether they would have brought it.",
    ),
    Rule(
        "Named locations: up to 2000 ranges each; mask larger than /8",
        "conditional-access/concept-assignment-network",
        (
            Located({TYPE: IP, "displayName": "x", "ipRanges": [
                {"cidrAddress": f"203.0.{n // 250}.{n % 250}/32"} for n in range(2000)]}),
            Located({TYPE: IP, "displayName": "x", "ipRanges": [
                {"cidrAddress": f"203.0.{n // 250}.{n % 250}/32"} for n in range(2001)]}, "$.ipRanges"),
            Located({TYPE: IP, "displayName": "x", "ipRanges": [{"cidrAddress": "10.0.0.0/8"}]}),
            Located({TYPE: IP, "displayName": "x", "ipRanges": [{"cidrAddress": "10.0.0.0/7"}]},
                    "$.ipRanges[0].cidrAddress"),
            Located({TYPE: COUNTRY, "displayName": "x", "countriesAndRegions": ["NO"],
                     "countryLookupMethod": "authenticatorAppGps"}, "$.countryLookupMethod"),
        ),
        ours="At most 195 locations, and no deletion of a trusted one, are asked of the API "
        "(tests/web/graph/test_access.py). Every location counts at every check, whatever its kind and however many "
        "ranges there are: nothing here is enforced later than at the next use.",
    ),
    Rule(
        "Sign-in frequency: everyTime has about 5 minutes clock-skew allowance",
        "conditional-access/concept-session-lifetime",
        (
            *(Asked((rule(grantControls=None, sessionControls={"signInFrequency": one}),), {"proof_age": age}, outcome)
              for one, age, outcome in (
                ({"frequencyInterval": "everyTime"}, 300, ALLOWED),
                ({"frequencyInterval": "everyTime"}, 301, CONTROLS),
                ({"type": "days", "value": 90, "frequencyInterval": "timeBased"}, 7_776_000, ALLOWED),
                ({"type": "days", "value": 90, "frequencyInterval": "timeBased"}, 7_776_001, CONTROLS),
                ({"type": "hours", "value": 1}, 3601, CONTROLS),
            )),
            Saved(rule(sessionControls={"persistentBrowser": {"isEnabled": True, "mode": "always"}}),
                  "$.sessionControls.persistentBrowser"),
        ),
        ours="Without a policy the default is no rolling 90 days: a browser session ends after 12 hours, and a device "
        "sign-in with its exemption (R8, R16).",
    ),
    Rule(
        "Break-glass: at least two accounts, excluded from CA",
        "role-based-access-control/security-emergency-access",
        (
            Asked((rule(users=everyone(EXCEPTION)),), {"roles": frozenset({"administrator"})}, BLOCKED),
            Asked((rule(users=everyone(EXCEPTION)),), {"roles": frozenset({"administrator"}), **IN_PLACE}, ALLOWED),
            Asked((rule(users=everyone(EXCEPTION, excludeUsers=[ALICE])),), {}, ALLOWED),
        ),
        ours="The seeded block excludes nobody but the exception group (R1): an emergency account signs in with a "
        "browser, which the block is not about, and gets a device code by a break-glass exemption. Excluding accounts "
        "as Entra advises is possible and raises an alert.",
    ),
    Rule(
        "Filter for devices: an unregistered device has all attributes null, so only negative operators match it",
        "conditional-access/concept-condition-filters-for-devices",
        (
            *(Asked((rule(devices=filtered(text, mode)),), {"person_device": None}, outcome)
              for text, mode, outcome in (
                ("device.isCompliant -eq True", "include", ALLOWED),
                ("device.isCompliant -eq True", "exclude", BLOCKED),
                ("device.isCompliant -ne True", "include", BLOCKED),
                ("device.isCompliant -ne True", "exclude", ALLOWED),
                ('device.extensionAttribute1 -eq "SAW"', "exclude", BLOCKED),
                ('device.extensionAttribute1 -ne "SAW"', "exclude", ALLOWED),
                ('device.trustType -in ["AzureAD", "ServerAD"]', "include", ALLOWED),
                ('device.trustType -notIn ["AzureAD", "ServerAD"]', "include", BLOCKED),
                ('device.displayName -startsWith "LAP"', "include", ALLOWED),
                ('device.displayName -notStartsWith "LAP"', "include", BLOCKED),
                ('device.physicalIds -contains "[ZTDId]:7"', "include", ALLOWED),
                ('device.physicalIds -notContains "[ZTDId]:7"', "include", BLOCKED),
            )),
            Asked((rule(devices=filtered("device.isCompliant -eq True", "exclude")),), {"person_device": COMPLIANT},
                  ALLOWED),
        ),
    ),
    Rule(
        "Guests: grant and policies by guest types",
        "conditional-access/concept-conditional-access-users-groups",
        (
            Saved(rule(users={"includeUsers": ["GuestsOrExternalUsers"]}), "$.conditions.users.includeUsers"),
            Saved(rule(users={"includeUsers": ["All"], "excludeGuestsOrExternalUsers": {
                "guestOrExternalUserTypes": "b2bCollaborationGuest"}}),
                "$.conditions.users.excludeGuestsOrExternalUsers"),
            Saved(rule(state=REPORT, users={"includeUsers": ["GuestsOrExternalUsers"]})),
        ),
        ours="There are no guests here: one deployment, one organisation. A policy about them cannot be enforced, so "
        "it is refused on save unless it is off or report-only (R4).",
    ),
    Rule(
        "Number matching: on for all, no opt-out",
        "authentication/how-to-mfa-number-match",
        (
            Asked((rule(grantControls=None, ostiary={"controls": {"numberConfirmation": True}}),),
                  {"number_confirmed": False}, CONTROLS, missing=("numberConfirmation",)),
            Asked((rule(grantControls=None, ostiary={"controls": {"numberConfirmation": True}}),),
                  {"number_confirmed": None}, BLOCKED),
            Asked((rule(grantControls=None, ostiary={"controls": {"numberConfirmation": True}}),),
                  {"number_confirmed": True}, ALLOWED),
        ),
        ours="Entra's number binds the person's phone to the page that they themselves look at, which does not help "
        "against a relayed code. Ours goes from the page to the asking machine (R12), by registration or policy.",
    ),
)  # fmt: skip


@pytest.mark.parametrize("entra", RULES, ids=[one.words for one in RULES])
def test_entras_rule(entra: Rule) -> None:
    """Each rule, or what is here instead of it."""
    assert entra.asked
    for one in entra.asked:
        match one:
            case Asked():
                answered(one)
            case Saved():
                read = compile_policy(PolicyId("p"), one.document)
                enforced = one.document["state"] == "enabled"
                assert (one.path in [problem.path for problem in read.problems]) is bool(one.path), one
                assert read.acceptable is (not one.path or not enforced), one
            case Located():
                problems = read_location("x", one.document)[1]
                assert [problem.path for problem in problems] == ([one.path] if one.path else []), one


def answered(one: Asked) -> None:
    """The engine says what is expected of it, deciding and explaining."""
    policies = compiled(one.policies)
    known: Facts = facts(**one.known)
    decision: Decision = evaluate(policies, known, unknown=one.treat)
    assert decision.outcome is one.outcome, one
    if one.missing is not None:
        assert decision.missing == one.missing, one
    if one.results:
        assert tuple(told.result for told in explain(policies, known, unknown=one.treat)) == one.results, one


def compiled(documents: tuple[dict[str, Any], ...]) -> PolicySet:
    """The documents, which must be free of problems."""
    read = [compile_policy(PolicyId(one["displayName"]), one) for one in documents]
    assert [one.problems for one in read if one.problems] == []
    return compile_set(one.policy for one in read)


def test_each_rule_is_there_once_and_says_where_it_is_written() -> None:
    """A table that could be read as complete."""
    assert len({one.words for one in RULES}) == len(RULES)
    assert all("/" in one.source for one in RULES)
