"""The policy engine against Entra's documented rules, one row each."""

from typing import Any

import pytest

from ostiary.core.access.compile import Policy, State
from ostiary.core.access.decision import Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import UNKNOWN, Facts, Treat
from ostiary.core.access.picture import Organisation, Picture
from ostiary.core.access.policy_set import compile_set
from ostiary.core.directory.applications import Application
from tests.core.access.given import ALICE, API, BOB, EXCEPTION, FLOW, OTHER, STAFF, facts, mfa, one, policy

REPORT = State.REPORT_ONLY.value
BLOCKED, ALLOWED, CONTROLS = Outcome.BLOCKED, Outcome.ALLOWED, Outcome.CONTROLS
PROVED = {"amr": ("pwd", "otp", "mfa")}

ROWS: tuple[tuple[str, tuple[Policy, ...], dict[str, Any], Outcome], ...] = (
    ("no policy allows", (), {}, ALLOWED),
    ("everything matches", (policy(),), {}, BLOCKED),
    ("assignments are ANDed: another person", (policy(users={"includeUsers": [BOB]}),), {}, ALLOWED),
    ("assignments are ANDed: this person", (policy(users={"includeUsers": [ALICE]}),), {}, BLOCKED),
    ("assignments are ANDed: a group of hers", (policy(users={"includeGroups": [STAFF]}),), {}, BLOCKED),
    ("assignments are ANDed: another resource", (policy(applications={"includeApplications": [OTHER]}),), {}, ALLOWED),
    ("assignments are ANDed: this resource", (policy(applications={"includeApplications": [API]}),), {}, BLOCKED),
    ("assignments are ANDed: another sort of client", (policy(clientAppTypes=["browser"]),), {}, ALLOWED),
    ("assignments are ANDed: another flow", (policy(),), {"transfer_method": None}, ALLOWED),
    (
        "several flows in one text, in any order",
        (policy(authenticationFlows={"transferMethods": f"authenticationTransfer, {FLOW}"}),),
        {},
        BLOCKED,
    ),
    (
        "no flow named is every sign-in",
        (policy(authenticationFlows={"transferMethods": "none"}),),
        {"transfer_method": None},
        BLOCKED,
    ),
    ("nobody is included by None", (policy(users={"includeUsers": ["None"]}),), {}, ALLOWED),
    (
        "exclude beats include: person",
        (policy(users={"includeUsers": [ALICE, "All"], "excludeUsers": [ALICE]}),),
        {},
        ALLOWED,
    ),
    (
        "exclude beats include: group against person",
        (policy(users={"includeUsers": [ALICE], "excludeGroups": [STAFF]}),),
        {},
        ALLOWED,
    ),
    (
        "exclude beats include: resource",
        (policy(applications={"includeApplications": ["All"], "excludeApplications": [API]}),),
        {},
        ALLOWED,
    ),
    (
        "an exclusion counts in its own policy only",
        (policy("a", users={"includeUsers": ["All"], "excludeGroups": [STAFF]}), policy("b")),
        {},
        BLOCKED,
    ),
    (
        "without the exception group the seeded rule blocks",
        (policy(users={"includeUsers": ["All"], "excludeGroups": [EXCEPTION]}),),
        {},
        BLOCKED,
    ),
    (
        "with it, it does not apply",
        (policy(users={"includeUsers": ["All"], "excludeGroups": [EXCEPTION]}),),
        {"groups": frozenset({STAFF, EXCEPTION})},
        ALLOWED,
    ),
    ("a control that is missing", (mfa(),), {}, CONTROLS),
    ("a control that is satisfied", (mfa(),), PROVED, ALLOWED),
    ("block beats a satisfied control", (mfa(), policy()), PROVED, BLOCKED),
    ("block beats a missing control, in any order", (policy(), mfa()), {}, BLOCKED),
    (
        "all controls of one policy",
        (policy(grantControls={"operator": "AND", "builtInControls": ["mfa"]}),),
        {},
        CONTROLS,
    ),
    ("every matching policy must be satisfied", (mfa("a"), mfa("b", users={"includeUsers": [ALICE]})), {}, CONTROLS),
    ("report-only is never enforced", (policy(state=REPORT),), {}, ALLOWED),
    ("disabled is never enforced", (policy(state="disabled"),), {}, ALLOWED),
)


@pytest.mark.parametrize(("policies", "changes", "outcome"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_entras_rules(policies: tuple[Policy, ...], changes: dict[str, Any], outcome: Outcome) -> None:
    """Each rule of conditional access that concerns a sign-in here."""
    assert evaluate(one(*policies), facts(**changes), unknown=Treat.STRICT).outcome is outcome


def test_report_only_is_reported() -> None:
    """What it would have done stands in the decision beside what was enforced."""
    rules = one(policy("would", state=REPORT), mfa("fine", state=REPORT), mfa("real"))
    decision = evaluate(rules, facts(**PROVED), unknown=Treat.STRICT)
    assert [(p.name, p.result) for p in decision.policies] == [
        ("would", Result.REPORT_FAILURE),
        ("fine", Result.REPORT_SUCCESS),
        ("real", Result.SUCCESS),
    ]
    assert decision.rules == ()
    assert decision.document()[0] == {
        "id": "would",
        "displayName": "would",
        "result": "reportOnlyFailure",
        "enforcedGrantControls": ["block"],
        "enforcedSessionControls": [],
    }


def test_a_refusal_names_the_rules_that_said_no_and_what_is_missing() -> None:
    """The person hears which rule, and what would help."""
    blocked = evaluate(one(policy("one"), mfa("two")), facts(**PROVED), unknown=Treat.STRICT)
    assert (blocked.rules, blocked.missing) == (("one",), ())
    wanted = evaluate(one(mfa("two")), facts(), unknown=Treat.STRICT)
    assert (wanted.rules, wanted.missing) == (("two",), ("mfa",))


DIMENSIONS = ("user", "groups", "resource", "client_type", "transfer_method")


@pytest.mark.parametrize("name", DIMENSIONS)
def test_r4_an_unknown_fact_blocks_strictly(name: str) -> None:
    """R4: an unknown fact matches every inclusion and no exclusion."""
    narrow = policy(
        users={"includeUsers": [BOB], "excludeUsers": [ALICE], "excludeGroups": [STAFF]},
        applications={"includeApplications": [OTHER], "excludeApplications": [API]},
        clientAppTypes=["browser"],
        authenticationFlows={"transferMethods": "authenticationTransfer"},
    )
    nothing = Facts()
    assert evaluate(one(narrow), nothing, unknown=Treat.STRICT).outcome is BLOCKED
    known = facts(user=BOB, groups=frozenset(), resource=OTHER, client_type="browser")
    assert evaluate(one(policy(users={"includeUsers": [BOB]})), known, unknown=Treat.STRICT).outcome is BLOCKED
    unknown = facts(**{name: UNKNOWN})
    wide = policy(
        users={"includeUsers": ["All"], "excludeUsers": [ALICE]}
        if name in ("user", "groups")
        else {"includeUsers": ["All"]},
        applications={"includeApplications": ["All"], "excludeApplications": [API]}
        if name == "resource"
        else {"includeApplications": ["All"]},
        clientAppTypes=["browser"] if name == "client_type" else ["all"],
        authenticationFlows={"transferMethods": "authenticationTransfer" if name == "transfer_method" else FLOW},
    )
    assert evaluate(one(wide), facts(), unknown=Treat.STRICT).outcome is ALLOWED
    assert evaluate(one(wide), unknown, unknown=Treat.STRICT).outcome is BLOCKED


def test_r4_an_unknown_proof_satisfies_no_control() -> None:
    """R4: what nobody looked up was not proved."""
    assert evaluate(one(mfa()), facts(amr=UNKNOWN), unknown=Treat.STRICT).outcome is CONTROLS


def test_at_the_start_unknown_facts_are_left_for_later() -> None:
    """R1: a policy that turns on what is unknown yet does not refuse the start; one that blocks everybody does."""
    unknown = facts(user=UNKNOWN, groups=UNKNOWN, amr=UNKNOWN)
    some = policy(users={"includeUsers": ["All"], "excludeGroups": [EXCEPTION]})
    for rules, outcome in (((some,), ALLOWED), ((mfa(),), ALLOWED), ((policy(),), BLOCKED)):
        assert evaluate(one(*rules), unknown, unknown=Treat.LATER).outcome is outcome


def test_a_device_fact_that_is_none_matches_only_who_includes_all() -> None:
    """Known to be none is no key: an inclusion by name does not match it, an exclusion neither."""
    in_place = facts(transfer_method=None)
    named, everyone = policy("named"), policy("all", authenticationFlows=None)
    assert evaluate(one(named), in_place, unknown=Treat.STRICT).outcome is ALLOWED
    assert evaluate(one(everyone), in_place, unknown=Treat.STRICT).outcome is BLOCKED


def test_explaining_lists_every_policy_with_the_condition_that_decided() -> None:
    """Also those that do not apply, are disabled or report only."""
    rules = one(
        policy("applies"),
        policy("bob", users={"includeUsers": [BOB]}),
        policy("off", state="disabled"),
        policy("other", state=REPORT, applications={"includeApplications": [OTHER]}),
        policy("would", state=REPORT),
    )
    assert [(p.name, p.result, p.condition) for p in explain(rules, facts())] == [
        ("applies", Result.FAILURE, ""),
        ("bob", Result.NOT_APPLIED, "users"),
        ("off", Result.NOT_ENABLED, ""),
        ("other", Result.REPORT_NOT_APPLIED, "applications"),
        ("would", Result.REPORT_FAILURE, ""),
    ]


def test_a_thousand_policies_are_one_decision() -> None:
    """The bits of many policies do not run into one another."""
    rules = compile_set([*(mfa(f"m{n}", users={"includeUsers": [f"u{n}"]}) for n in range(999)), policy("last")])
    assert evaluate(rules, facts(**PROVED), unknown=Treat.STRICT).rules == ("last",)
    assert evaluate(rules, facts(user="u500", transfer_method=FLOW), unknown=Treat.STRICT).rules == ("m500", "last")


def test_a_resource_is_known_by_its_identifier_however_it_is_spelled() -> None:
    """The picture compares identifiers as clients send them: with or without the slash, in any case of the host."""
    api = Application(API, "o", "API", identifier_uris=("https://api.example/",))
    picture = Picture(1, Organisation("t", "T"), EXCEPTION, one(), {API: api}, {"https://api.example": api, API: api})
    assert picture.resource("https://API.example/") is picture.resource(API) is api
    assert picture.resource("https://other.example") is None
