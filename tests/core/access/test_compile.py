"""Reading policy documents: every problem with its JSON path, and what is unreadable counts against the sign-in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.compile import State, compile_policy
from ostiary.core.access.decision import Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.guardrail import Weakening, guards, weakening, weaker
from ostiary.core.access.idle import idle
from ostiary.core.access.sides import TEXTS
from ostiary.core.words.ids import PolicyId
from tests.core.access.given import ALICE, API, EXCEPTION, document, facts, mfa, one, policy


def compiled(changes: dict[str, Any]) -> Any:
    """The document with *changes*, read."""
    return compile_policy(PolicyId("p"), document(**changes))


RULE = "device.isCompliant -eq True"
STRONG = "00000000-0000-0000-0000-000000000004"
MFA_TRUSTED = "00000000-0000-0000-0000-000000000000"

BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"displayName": ""}, "$.displayName"),
    ({"displayName": "n" * 257}, "$.displayName"),
    ({"displayName": 7}, "$.displayName"),
    ({"state": "on"}, "$.state"),
    ({"state": None}, "$.state"),
    ({"surprise": 1}, "$.surprise"),
    ({"conditions": []}, "$.conditions"),
    ({"conditions": {}}, "$.conditions.users"),
    ({"conditions": {"insiderRiskLevels": "minor"}}, "$.conditions.insiderRiskLevels"),
    ({"users": None}, "$.conditions.users"),
    ({"users": []}, "$.conditions.users"),
    ({"users": {"includeUsers": "All"}}, "$.conditions.users.includeUsers"),
    ({"users": {"includeUsers": [""]}}, "$.conditions.users.includeUsers"),
    ({"users": {"includeUsers": ["x" * 257]}}, "$.conditions.users.includeUsers"),
    ({"users": {"includeUsers": ["x"] * (TEXTS + 1)}}, "$.conditions.users.includeUsers"),
    ({"users": {"includeRoles": ["x"]}}, "$.conditions.users.includeRoles"),
    ({"users": {"includeUsers": ["GuestsOrExternalUsers"]}}, "$.conditions.users.includeUsers"),
    ({"users": {"includeUsers": ["All"], "excludeUsers": ["All"]}}, "$.conditions.users.excludeUsers"),
    ({"applications": None}, "$.conditions.applications"),
    ({"applications": {"includeApplications": ["Office365"]}}, "$.conditions.applications.includeApplications"),
    ({"applications": {"excludeApplications": ["All"]}}, "$.conditions.applications.excludeApplications"),
    ({"applications": {"includeUserActions": ["urn:x"]}}, "$.conditions.applications.includeUserActions"),
    ({"clientAppTypes": ["fax"]}, "$.conditions.clientAppTypes"),
    ({"clientAppTypes": {}}, "$.conditions.clientAppTypes"),
    ({"authenticationFlows": {"transferMethods": ["x"]}}, "$.conditions.authenticationFlows.transferMethods"),
    ({"authenticationFlows": {"transferMethods": "pigeon"}}, "$.conditions.authenticationFlows.transferMethods"),
    ({"grantControls": None}, "$.grantControls"),
    ({"grantControls": "block"}, "$.grantControls"),
    ({"grantControls": {"builtInControls": ["domainJoinedDevice"]}}, "$.grantControls.builtInControls"),
    ({"grantControls": {"builtInControls": ["approvedApplication"]}}, "$.grantControls.builtInControls"),
    ({"grantControls": {"builtInControls": ["block", "mfa"]}}, "$.grantControls.builtInControls"),
    ({"grantControls": {"operator": "XOR", "builtInControls": ["mfa"]}}, "$.grantControls.operator"),
    (
        {"grantControls": {"builtInControls": ["mfa"], "authenticationStrength": {"id": "x"}}},
        "$.grantControls.authenticationStrength.id",
    ),
    (
        {"grantControls": {"builtInControls": ["mfa"], "authenticationStrength": {"id": STRONG}}},
        "$.grantControls.authenticationStrength",
    ),
    ({"sessionControls": {"signInFrequency": {"value": 1}}}, "$.sessionControls.signInFrequency.type"),
    ({"sessionControls": {"signInFrequency": {"type": "days", "value": 0}}}, "$.sessionControls.signInFrequency.value"),
    (
        {"sessionControls": {"signInFrequency": {"type": "days", "value": 1, "authenticationType": "x"}}},
        "$.sessionControls.signInFrequency.authenticationType",
    ),
    (
        {"sessionControls": {"signInFrequency": {"frequencyInterval": "often"}}},
        "$.sessionControls.signInFrequency.frequencyInterval",
    ),
    ({"sessionControls": {"persistentBrowser": {"isEnabled": True}}}, "$.sessionControls.persistentBrowser"),
    ({"platforms": {"includePlatforms": ["beos"]}}, "$.conditions.platforms.includePlatforms"),
    (
        {"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["all"]}},
        "$.conditions.platforms.excludePlatforms",
    ),
    ({"platforms": {"excludePlatforms": ["linux"]}}, "$.conditions.platforms.includePlatforms"),
    ({"locations": {"excludeLocations": ["x"]}}, "$.conditions.locations.includeLocations"),
    (
        {"locations": {"includeLocations": ["All"], "excludeLocations": ["All"]}},
        "$.conditions.locations.excludeLocations",
    ),
    ({"locations": {"includeLocations": [MFA_TRUSTED]}}, "$.conditions.locations.includeLocations"),
    ({"signInRiskLevels": ["extreme"]}, "$.conditions.signInRiskLevels"),
    ({"userRiskLevels": ["hidden"]}, "$.conditions.userRiskLevels"),
    ({"devices": {"deviceFilter": {"mode": "maybe", "rule": RULE}}}, "$.conditions.devices.deviceFilter.mode"),
    ({"devices": {"deviceFilter": {"mode": "include", "rule": 7}}}, "$.conditions.devices.deviceFilter.rule"),
    (
        {"devices": {"deviceFilter": {"mode": "include", "rule": "device.x -eq 1"}}},
        "$.conditions.devices.deviceFilter.rule",
    ),
    ({"ostiary": {"surprise": 1}}, "$.ostiary.surprise"),
    ({"ostiary": {"conditions": {"users": 1}}}, "$.ostiary.conditions.users"),
    ({"ostiary": {"controls": {"proximity": {}}}}, "$.ostiary.controls.proximity"),
    ({"ostiary": {"controls": {"proximity": {"allOf": ["sameStar"]}}}}, "$.ostiary.controls.proximity.allOf"),
    ({"ostiary": {"controls": {"proximity": {"maxKilometres": 0}}}}, "$.ostiary.controls.proximity.maxKilometres"),
    ({"ostiary": {"controls": {"requesterDevice": ["fast"]}}}, "$.ostiary.controls.requesterDevice"),
    ({"ostiary": {"controls": {"numberConfirmation": "yes"}}}, "$.ostiary.controls.numberConfirmation"),
    ({"ostiary": {"controls": {"numberConfirmation": 1}}}, "$.ostiary.controls.numberConfirmation"),
    ({"ostiary": {"controls": {"startTicket": 1}}}, "$.ostiary.controls.startTicket"),
    ({"ostiary": {"controls": {"scopes": "all"}}}, "$.ostiary.controls.scopes"),
    ({"ostiary": {"limits": {"accessMinutes": 1}}}, "$.ostiary.limits.accessMinutes"),
    ({"ostiary": {"limits": {"sessionHours": True}}}, "$.ostiary.limits.sessionHours"),
)
FATAL = ("$.displayName", "$.state", "$.conditions")


@pytest.mark.parametrize(("changes", "path"), BAD, ids=[f"{n}-{path}" for n, (_, path) in enumerate(BAD)])
def test_what_cannot_be_enforced_is_told_with_its_path_and_refused(changes: dict[str, Any], path: str) -> None:
    """R4: such a policy is not saved as enabled, and stored all the same it never lets anybody through."""
    read = compiled(changes)
    assert path in [problem.path for problem in read.problems]
    assert not read.acceptable
    known = facts(amr=("mfa",), person_device=None, requester_device=None, sign_in_risk="none", user_risk="none")
    assert evaluate(one(read.policy), known, unknown=Treat.STRICT).outcome is Outcome.BLOCKED


@pytest.mark.parametrize("state", ["disabled", State.REPORT_ONLY.value])
@pytest.mark.parametrize(("changes", "path"), BAD, ids=[f"{n}-{path}" for n, (_, path) in enumerate(BAD)])
def test_what_is_not_enforced_may_be_saved_unless_it_is_no_policy(
    changes: dict[str, Any], path: str, state: str
) -> None:
    """A document from elsewhere can be kept, off or report-only; one without name, state or conditions cannot."""
    if "state" not in changes:
        assert compiled({**changes, "state": state}).acceptable == (path not in FATAL)


def test_every_problem_is_told_at_once() -> None:
    """Nobody mends a document one error at a time."""
    read = compile_policy(PolicyId("p"), {})
    assert [p.path for p in read.problems] == ["$.displayName", "$.state", "$.conditions", "$.grantControls"]


def test_empty_and_annotated_fields_are_no_problem() -> None:
    """Graph writes unused fields as null, empty lists or `@odata` annotations."""
    changes = {
        "users": {"includeUsers": ["All"], "includeRoles": [], "includeGuestsOrExternalUsers": None, "@odata.x": 1},
        "sessionControls": None,
        "templateId": None,
        "grantControls": {"operator": "OR", "builtInControls": ["block"], "termsOfUse": []},
    }
    read = compiled(changes)
    assert read.problems == ()
    assert read.acceptable


def test_a_control_that_is_unknown_is_never_satisfied_even_beside_one_that_is() -> None:
    """`mfa OR domainJoinedDevice` must not shrink to `mfa`: what is meant is not known."""
    read = compiled({"grantControls": {"operator": "OR", "builtInControls": ["mfa", "domainJoinedDevice"]}})
    decision = evaluate(one(read.policy), facts(amr=("mfa",)), unknown=Treat.STRICT)
    assert decision.outcome is Outcome.BLOCKED


IDLE: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({}, []),
    ({"users": {"includeUsers": []}}, ["$.conditions.users"]),
    ({"users": {"excludeUsers": [ALICE]}}, ["$.conditions.users"]),
    ({"users": {"includeUsers": ["None"]}}, []),
    ({"users": {"includeGroups": [EXCEPTION]}}, []),
    ({"users": {}, "clientApplications": {"includeServicePrincipals": ["w"]}}, []),
    ({"applications": {}}, ["$.conditions.applications"]),
    ({"applications": {"includeApplications": ["None"]}}, []),
    ({"clientAppTypes": [], "applications": {"excludeApplications": [API]}},
     ["$.conditions.applications", "$.conditions.clientAppTypes"]),
)  # fmt: skip


@pytest.mark.parametrize(("changes", "paths"), IDLE, ids=[str(n) for n in range(len(IDLE))])
def test_a_policy_that_names_nobody_is_idle(changes: dict[str, Any], paths: list[str]) -> None:
    """It would never apply, and somebody believes in it; `None` is Graph's word where that is meant."""
    read = compiled(changes)
    assert read.problems == ()
    assert [problem.path for problem in idle(read.policy, document(**changes))] == paths
    applies = evaluate(one(read.policy), Facts(), unknown=Treat.STRICT).outcome is Outcome.BLOCKED
    assert applies is (not paths and "None" not in str(changes))


def test_guardrails_are_the_policies_that_keep_everybody_out() -> None:
    """Enabled, blocking, for every person, resource and client; exclusions do not change that."""
    wide = policy(users={"includeUsers": ["All"], "excludeGroups": [EXCEPTION]})
    assert guards(wide)
    assert guards(policy(authenticationFlows=None))
    for other in (
        policy(state="disabled"),
        policy(users={"includeUsers": [ALICE]}),
        policy(applications={"includeApplications": [API]}),
        policy(clientAppTypes=["browser"]),
        policy(authenticationFlows={"transferMethods": "authenticationTransfer"}),
        mfa(),
    ):
        assert not guards(other)


def test_what_weakens_a_guardrail_is_named() -> None:
    """That it is none any more, or which keys it excludes that it did not; what is no guardrail weakens nothing."""
    tight = policy()
    more = policy(users={"includeUsers": ["All"], "excludeUsers": [ALICE]})
    assert weakening(tight, more) == Weakening(False, {"users": frozenset({f"user:{ALICE}"})})
    assert weakening(tight, None) == weakening(tight, policy(state="disabled")) == Weakening(True, {})
    assert weakening(tight, tight) is None
    assert weakening(mfa(), None) is None


def test_a_guardrail_that_excludes_more_or_is_gone_is_weaker() -> None:
    """Less exclusion, or a change to what never was one, is not."""
    tight, loose = policy(), policy(users={"includeUsers": ["All"], "excludeUsers": [ALICE]})
    assert weaker(tight, loose)
    assert weaker(tight, None)
    assert weaker(tight, policy(state="disabled"))
    assert not weaker(loose, tight)
    assert not weaker(mfa(), None)


FULL = document(
    description="all that a document can hold",
    users={side + what: ["All"] for side in ("include", "exclude") for what in ("Users", "Groups", "Roles")},
    applications={"includeApplications": ["All"], "excludeApplications": [str(API)]},
    clientApplications={"includeServicePrincipals": ["x"], "excludeServicePrincipals": ["y"]},
    locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]},
    platforms={"includePlatforms": ["all"], "excludePlatforms": ["linux"]},
    signInRiskLevels=["high"],
    userRiskLevels=["high"],
    devices={"deviceFilter": {"mode": "include", "rule": RULE}},
    grantControls={"operator": "OR", "builtInControls": ["mfa"], "authenticationStrength": {"id": STRONG}},
    sessionControls={
        "signInFrequency": {
            "isEnabled": True, "type": "hours", "value": 4, "frequencyInterval": "timeBased",
            "authenticationType": "secondaryAuthentication",
        }
    },
    ostiary={
        "conditions": {
            "requesterLocations": {"includeLocations": ["All"], "excludeLocations": ["x"]},
            "requesterDevice": {"deviceFilter": {"mode": "exclude", "rule": RULE}},
        },
        "controls": {
            "proximity": {"allOf": ["sameAsn"], "anyOf": ["sameCountry"], "maxKilometres": 50},
            "requesterDevice": ["managed"], "numberConfirmation": True, "startTicket": True, "referenceBinding": True,
            "machineBinding": True, "scopes": ["read"],
        },
        "limits": {"accessMinutes": 5, "sessionHours": 2},
    },
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside of *value*."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, each in inside for found in ((*at, name), *places(each, (*at, name)))]


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """*value* with *new* at that place."""
    if not at:
        return new
    changed = value.copy()
    changed[at[0]] = put(value[at[0]], at[1:], new)
    return changed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**400, 1.5, float("nan"), "", "\ud800", "(" * 5000, [], {}, [[]], [{}], [None],
    {"": []},
)  # fmt: skip


def read_whatever_it_is(whole: dict[str, Any]) -> None:
    """A reader that raised would be a fault of the server, whatever the document; what was read can be evaluated."""
    found = compile_policy(PolicyId("p"), whole)
    assert all(problem.path.startswith("$") for problem in found.problems)
    evaluate(one(found.policy), facts(), unknown=Treat.STRICT)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_a_document_with_anything_in_any_place_is_read(odd: Any) -> None:
    """Compiling never raises: every place of a full document, and everything that JSON could put there."""
    assert len(places(FULL)) > 60
    for at in places(FULL):
        read_whatever_it_is(put(FULL, at, odd))


@given(st.data())
def test_a_document_that_is_wrong_in_several_places_is_read(data: st.DataObject) -> None:
    """What is wrong in one place makes no other reader raise."""
    changed = FULL
    for _ in range(3):
        changed = put(changed, data.draw(st.sampled_from(places(changed))), data.draw(JSON))
    read_whatever_it_is(changed)
