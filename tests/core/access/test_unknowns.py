"""
What an unknown fact does: under STRICT, which is all enforcement here (R4), and under ENTRA, which answers for a tenant
of Entra. The table of docs/policies.md, row by row, with the page that each row of Entra's rests on.

Each row is a fact, a policy that includes by it and one that excludes by it (both block, so that what matches is seen),
and what becomes of both while nothing is known of the fact.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.decision import Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import NOWHERE, UNKNOWN, Facts, Place, Treat
from ostiary.core.access.locations import COUNTRY, IP, TYPE, Atlas, Geo, atlas, read_location
from ostiary.core.access.policy_set import compile_set
from ostiary.core.words.ids import PolicyId
from tests.core.access.given import ALICE, API, BOB, OTHER, document, facts

ALLOWED, BLOCKED, CONTROLS, UNJUDGED = Outcome.ALLOWED, Outcome.BLOCKED, Outcome.CONTROLS, Outcome.UNJUDGED
ROOT = Path(__file__).parents[3]
NOTHING = "whatif"
"""Graph's What-If says `notEnoughInformation` where a condition was not told; no page says more."""
OFFICE = {TYPE: IP, "displayName": "Office", "ipRanges": [{"cidrAddress": "203.0.113.0/24"}]}
NORDICS = {TYPE: COUNTRY, "displayName": "Nordics", "countriesAndRegions": ["NO"]}
REST = {**NORDICS, "includeUnknownCountriesAndRegions": True}


def places(geo: Geo) -> Atlas:
    """An office, some countries, and the same countries with those that nobody can tell."""
    documents: dict[str, dict[str, Any]] = {"office": OFFICE, "nordics": NORDICS, "rest": REST}
    return atlas([read_location(id, one)[0] for id, one in documents.items()], lambda _: geo)


NO_FILE, NO_COUNTRY = places(Geo()).place("192.0.2.9"), places(Geo(country=None)).place("192.0.2.9")


@dataclass(frozen=True)
class Row:
    """One unknown."""

    what: str
    lost: dict[str, Any]
    """What is not known of a sign-in of which all the rest is."""
    include: dict[str, Any]
    """Conditions of a policy that includes by it."""
    exclude: dict[str, Any] | None
    """Conditions of one that includes everybody and excludes by it; None where Graph has no such list."""
    strict: tuple[Outcome, Outcome | None]
    entra: tuple[Outcome, Outcome | None]
    source: str
    """Where Microsoft says so: a page below conditional-access/, or `NOTHING`."""


def device(mode: str, rule: str = "device.isCompliant -eq True") -> dict[str, Any]:
    """Graph's `devices`."""
    return {"devices": {"deviceFilter": {"mode": mode, "rule": rule}}}


def at(name: str, *, outside: bool = False) -> dict[str, Any]:
    """Graph's `locations`."""
    inside = {"includeLocations": ["All"], "excludeLocations": [name]} if outside else {"includeLocations": [name]}
    return {"locations": inside}


ROWS = (
    Row(
        "person", {"user": UNKNOWN}, {"users": {"includeUsers": [BOB]}},
        {"users": {"includeUsers": ["All"], "excludeUsers": [ALICE]}}, (BLOCKED, BLOCKED), (UNJUDGED, UNJUDGED),
        NOTHING,
    ),
    Row(
        "groups of the person", {"groups": UNKNOWN}, {"users": {"includeGroups": ["other"]}},
        {"users": {"includeUsers": ["All"], "excludeGroups": ["staff"]}}, (BLOCKED, BLOCKED), (UNJUDGED, UNJUDGED),
        NOTHING,
    ),
    Row(
        "roles of the person", {"roles": UNKNOWN}, {"users": {"includeRoles": ["auditor"]}},
        {"users": {"includeUsers": ["All"], "excludeRoles": ["auditor"]}}, (BLOCKED, BLOCKED), (UNJUDGED, UNJUDGED),
        NOTHING,
    ),
    Row(
        "resource", {"resource": UNKNOWN}, {"applications": {"includeApplications": [OTHER]}},
        {"applications": {"includeApplications": ["All"], "excludeApplications": [API]}}, (BLOCKED, BLOCKED),
        (UNJUDGED, UNJUDGED), NOTHING,
    ),
    Row("client app type", {"client_type": UNKNOWN}, {"clientAppTypes": ["browser"]}, None, (BLOCKED, None),
        (UNJUDGED, None), NOTHING),
    Row("transfer method", {"transfer_method": UNKNOWN}, {"authenticationFlows": {"transferMethods": "deviceCodeFlow"}},
        None, (BLOCKED, None), (UNJUDGED, None), NOTHING),
    Row(
        "platform", {"platform": UNKNOWN}, {"platforms": {"includePlatforms": ["linux"]}},
        {"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["linux"]}}, (BLOCKED, BLOCKED),
        (ALLOWED, BLOCKED), "policy-all-users-device-unknown-unsupported",
    ),
    Row("place of the person", {"person": NOWHERE}, at("office"), at("office", outside=True), (BLOCKED, BLOCKED),
        (UNJUDGED, UNJUDGED), NOTHING),
    Row("country of an address: no file says", {"person": NO_FILE}, at("nordics"), at("nordics", outside=True),
        (BLOCKED, BLOCKED), (UNJUDGED, UNJUDGED), NOTHING),
    Row("country of an address: looked up, and none", {"person": NO_COUNTRY}, at("nordics"),
        at("nordics", outside=True), (ALLOWED, BLOCKED), (ALLOWED, BLOCKED), "concept-assignment-network"),
    Row("the same, a location that includes unknown countries", {"person": NO_COUNTRY}, at("rest"),
        at("rest", outside=True), (BLOCKED, ALLOWED), (BLOCKED, ALLOWED), "concept-assignment-network"),
    Row("address ranges, while the country is unknown", {"person": NO_FILE}, at("office"), at("office", outside=True),
        (ALLOWED, BLOCKED), (ALLOWED, BLOCKED), "concept-assignment-network"),
    Row("device: nothing told", {"person_device": UNKNOWN}, device("include"), device("exclude"), (BLOCKED, BLOCKED),
        (UNJUDGED, UNJUDGED), NOTHING),
    Row("device: not registered, a positive operator", {"person_device": None}, device("include"), device("exclude"),
        (ALLOWED, BLOCKED), (ALLOWED, BLOCKED), "concept-condition-filters-for-devices"),
    Row("device: not registered, a negative operator", {"person_device": None},
        device("include", "device.isCompliant -ne True"), device("exclude", "device.isCompliant -ne True"),
        (BLOCKED, ALLOWED), (BLOCKED, ALLOWED), "concept-condition-filters-for-devices"),
    Row(
        "workload",
        {"service_principal": UNKNOWN},
        {"clientApplications": {"includeServicePrincipals": ["w"]}},
        {"clientApplications": {"excludeServicePrincipals": ["w"]}},
        (BLOCKED, BLOCKED),
        (UNJUDGED, UNJUDGED),
        NOTHING,
    ),
    Row("sign-in risk", {"sign_in_risk": UNKNOWN}, {"signInRiskLevels": ["high"]}, None, (BLOCKED, None),
        (UNJUDGED, None), NOTHING),
    Row("user risk", {"user_risk": UNKNOWN}, {"userRiskLevels": ["high"]}, None, (BLOCKED, None), (UNJUDGED, None),
        NOTHING),
)  # fmt: skip

KNOWN: dict[str, Any] = {
    "platform": "linux", "sign_in_risk": "none", "user_risk": "none", "person_device": None,
    "person": places(Geo("NG")).place("192.0.2.9"), "requester": places(Geo("NG")).place("192.0.2.9"),
}  # fmt: skip


def outcome(changes: dict[str, Any], known: Facts, treat: Treat) -> Outcome:
    """Of one policy that blocks everybody but for *changes*."""
    read = compile_policy(PolicyId("p"), document(**{"authenticationFlows": None, **changes}))
    assert read.problems == ()
    return evaluate(compile_set([read.policy]), known, unknown=treat).outcome


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_r4_an_unknown_condition(row: Row) -> None:
    """R4: strictly it is included and not excluded; for Entra it is Microsoft's rule, or cannot be judged."""
    lost = facts(**{**KNOWN, **row.lost})
    for treat, wanted in ((Treat.STRICT, row.strict), (Treat.ENTRA, row.entra)):
        found = outcome(row.include, lost, treat), row.exclude and outcome(row.exclude, lost, treat)
        assert found == wanted, treat


CONTROL_ROWS: tuple[tuple[str, dict[str, Any], dict[str, Any], Outcome, str], ...] = (
    ("second factor: not told", {"builtInControls": ["mfa"]}, {"amr": UNKNOWN}, CONTROLS,
     "concept-conditional-access-grant"),
    ("strength: not told", {"authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}},
     {"amr": UNKNOWN}, CONTROLS, "concept-conditional-access-grant"),
    ("compliance: of no registered device", {"builtInControls": ["compliantDevice"]}, {"person_device": None}, BLOCKED,
     "concept-conditional-access-grant"),
    ("compliance: nothing told", {"builtInControls": ["compliantDevice"]}, {"person_device": UNKNOWN}, BLOCKED,
     NOTHING),
)  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "lost", "wanted"), [row[1:4] for row in CONTROL_ROWS], ids=[row[0] for row in CONTROL_ROWS]
)
def test_r4_an_unknown_fact_satisfies_no_control(grant: dict[str, Any], lost: dict[str, Any], wanted: Outcome) -> None:
    """R4: neither here nor for Entra, where What-If tells which policies apply and leaves the rest open."""
    asked = {"grantControls": {"operator": "OR", **grant}}
    for treat in (Treat.STRICT, Treat.ENTRA):
        assert outcome(asked, facts(**{**KNOWN, **lost}), treat) is wanted


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_what_cannot_be_judged_is_never_an_answer_where_it_does_not_matter(row: Row) -> None:
    """A block that is certain stands, whatever else is unknown; a report-only policy leaves nothing open."""
    lost = facts(**{**KNOWN, **row.lost})
    documents = [document(authenticationFlows=None), document(**{"authenticationFlows": None, **row.include})]
    read = [compile_policy(PolicyId(str(n)), one).policy for n, one in enumerate(documents)]
    assert evaluate(compile_set(read), lost, unknown=Treat.ENTRA).outcome is BLOCKED
    quiet = document(**{"authenticationFlows": None, **row.include, "state": "enabledForReportingButNotEnforced"})
    silent = compile_set([compile_policy(PolicyId("p"), quiet).policy])
    assert evaluate(silent, lost, unknown=Treat.ENTRA).outcome is ALLOWED


def test_our_own_conditions_are_unknown_to_entra() -> None:
    """What Entra does not have it does not judge: `ostiary.conditions` under ENTRA turn on facts that nobody told."""
    ours = {"ostiary": {"conditions": {"requesterLocations": {"includeLocations": ["office"]}}}}
    lost = facts(**{**KNOWN, "requester": Place()})
    assert outcome(ours, lost, Treat.ENTRA) is UNJUDGED
    assert outcome(ours, lost, Treat.STRICT) is BLOCKED


def test_the_table_of_the_documentation_is_this_one() -> None:
    """docs/policies.md says what is asserted here, with its sources."""
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    lines = [line for row in ROWS for line in (shown(row),)] + [said(row) for row in CONTROL_ROWS]
    missing = [line for line in lines if line not in page]
    assert missing == []
    rows = re.findall(r"^\| .* \| (?:none: `notEnoughInformation`|\[[^|]*) \|$", page, re.MULTILINE)
    assert len(rows) == len(lines)


WORDS = {ALLOWED: "does not match", BLOCKED: "matches", UNJUDGED: "cannot be judged", None: "–"}


def shown(row: Row) -> str:
    """A row as the page has it."""
    cells = [WORDS[one] for one in (*row.strict, *row.entra)]
    return "| " + " | ".join((row.what, *cells, source(row.source))) + " |"


def said(row: tuple[str, dict[str, Any], dict[str, Any], Outcome, str]) -> str:
    """A row about a control."""
    words = {CONTROLS: "not satisfied, asked for", BLOCKED: "not satisfied"}[row[3]]
    return f"| {row[0]} | {words} | {words} | {source(row[4])} |"


def source(name: str) -> str:
    """The page, as a link."""
    if name == NOTHING:
        return "none: `notEnoughInformation`"
    return f"[{name}](https://learn.microsoft.com/entra/identity/conditional-access/{name})"
