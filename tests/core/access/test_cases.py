"""Policy tests: what a case says, where its places are looked up, and how it comes out."""

from typing import Any

import pytest

from ostiary.core.access.cases import BadCase, read_cases, read_facts, run_cases
from ostiary.core.access.facts import Place
from ostiary.core.access.locations import COUNTRY, IP, TYPE, Atlas, Geo, atlas, read_location
from tests.core.access.given import mfa, one, policy

OFFICE = {TYPE: IP, "displayName": "Office", "ipRanges": [{"cidrAddress": "203.0.113.0/24"}]}
NORDICS = {TYPE: COUNTRY, "displayName": "Nordics", "countriesAndRegions": ["NO"]}
DEFAULTS = {
    "user": "alice", "groups": [], "roles": [], "resource": "api", "clientType": "browser",
    "transferMethod": "deviceCodeFlow",
}  # fmt: skip


def places(geo: Geo | None = None) -> Atlas:
    """An office and some countries."""
    read = (read_location("office", OFFICE)[0], read_location("nordics", NORDICS)[0])
    return atlas(read, lambda _: geo or Geo())


def outcomes(*cases: dict[str, Any], rules: Any = None) -> list[tuple[bool, tuple[str, ...]]]:
    """Whether each passed, and what differed."""
    read = read_cases(list(cases), DEFAULTS, places())
    return [(one.passed, one.differences) for one in run_cases(rules or one(policy("block")), read)]


def test_a_case_passes_when_everything_that_it_names_comes_so() -> None:
    """Outcome, the rules that said no, what is missing; each difference is told."""
    assert outcomes(
        {"expect": "blocked", "rules": ["block"], "missing": []},
        {"expect": "allowed", "facts": {"transferMethod": None}, "rules": []},
        {"expect": "allowed", "rules": []},
    ) == [(True, ()), (True, ()), (False, ("expected allowed, got blocked", "rules: expected none, got block"))]
    wanted = {"expect": "controls", "missing": ["mfa"], "facts": {"amr": ["pwd"]}}
    assert outcomes(wanted, {**wanted, "unknown": "later", "expect": "allowed", "missing": []}, rules=one(mfa())) == [
        (True, ()), (True, ()),
    ]  # fmt: skip


def test_places_are_looked_up_where_a_case_does_not_name_them() -> None:
    """By address in the locations at hand; country and network are what the case says, then what the files say."""
    looked = read_facts({"person": {"address": "203.0.113.9"}}, places()).person
    assert (looked.named, looked.unsure) == (frozenset({"office"}), frozenset({"nordics"}))
    told = read_facts({"person": {"address": "203.0.113.9", "country": "NO"}}, places(Geo("SE", 1, None))).person
    assert told == Place("203.0.113.9", "NO", 1, None, frozenset({"office", "nordics"}))
    country = read_facts({"requester": {"country": "NO"}}, places()).requester
    assert (country.named, country.unsure) == (frozenset({"nordics"}), frozenset({"office"}))
    named = read_facts({"person": {"address": "203.0.113.9", "named": []}}, places()).person
    assert named.named == frozenset()
    assert read_facts({"person": {}}, places()).person == Place()


BAD: tuple[tuple[Any, Any, str], ...] = (
    ({}, {}, "cases: must be a list"),
    ([], {}, "cases: must be a list"),
    ([{"expect": "allowed"}], [], "defaults: must be an object"),
    (["x"], {}, "cases[0]: must be an object"),
    ([{"expect": "allowed", "mood": 1}], {}, "cases[0].mood: is not known"),
    ([{"expect": "allowed", "facts": [1]}], {}, "cases[0].facts: must be an object"),
    ([{}], {}, "cases[0].expect: must be one of"),
    ([{"expect": "allowed", "unknown": "x"}], {}, "cases[0].unknown: must be one of"),
    ([{"expect": "allowed"}, {"expect": "allowed", "rules": "x"}], {}, "cases[1].rules: must be a list"),
    ([{"expect": "allowed", "facts": {"proofAge": "x"}}], {}, "cases[0]: proofAge: must be a whole number"),
)


@pytest.mark.parametrize(("cases", "defaults", "said"), BAD, ids=[said for _, _, said in BAD])
def test_a_case_that_cannot_be_run_says_where_it_stands(cases: Any, defaults: Any, said: str) -> None:
    """Nothing is guessed, so that no test passes by a slip of the pen."""
    with pytest.raises(BadCase) as wrong:
        read_cases(cases, defaults, places())
    assert said in str(wrong.value)
