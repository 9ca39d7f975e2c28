"""
Policy tests: sign-ins that are written down, each with what policy is expected to say; run by the engine itself, so
that a change of policies is tested before it is saved.

A case's facts are written as decisions keep them (`remembered`). A place with an address but no `named` is looked up in
the locations at hand, with the country and network that it tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ostiary.core.access.decision import Applied, Decision
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import Facts, Place, Treat, Unknown
from ostiary.core.access.locations import Atlas, Geo
from ostiary.core.access.policy_set import PolicySet
from ostiary.core.access.remembered import facts_from

MOST = 10_000  # cases of one file

_CASE = ("name", "facts", "unknown", "expect", "rules", "missing")
_OUTCOMES = ("allowed", "blocked", "controls", "unjudged")


class BadCase(ValueError):
    """A case that cannot be run, and where it stands."""


@dataclass(frozen=True, slots=True)
class Case:
    """One sign-in and what is expected of it."""

    name: str
    facts: Facts
    unknown: Treat
    expect: str
    rules: frozenset[str] | None
    """Exactly these policies say no; None: not asked."""
    missing: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case."""

    case: Case
    decision: Decision
    told: tuple[Applied, ...]
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it came as expected."""
        return not self.differences


def read_cases(value: Any, defaults: Any, atlas: Atlas) -> tuple[Case, ...]:
    """The list of cases, *defaults* being facts of each. Raises BadCase."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST:
        raise BadCase(f"cases: must be a list of 1 to {MOST}")
    if not isinstance(defaults, dict):
        raise BadCase("defaults: must be an object")
    return tuple(_case(number, one, defaults, atlas) for number, one in enumerate(value))


def _case(number: int, given: Any, defaults: Mapping[str, Any], atlas: Atlas) -> Case:
    where = f"cases[{number}]"
    if not isinstance(given, dict):
        raise BadCase(f"{where}: must be an object")
    for name in given:
        if name not in _CASE:
            raise BadCase(f"{where}.{str(name)[:60]}: is not known")
    facts = given.get("facts") or {}
    if not isinstance(facts, dict):
        raise BadCase(f"{where}.facts: must be an object")
    if given.get("expect") not in _OUTCOMES:
        raise BadCase(f"{where}.expect: must be one of {', '.join(_OUTCOMES)}")
    if given.get("unknown", "strict") not in [treat.value for treat in Treat]:
        raise BadCase(f"{where}.unknown: must be one of {', '.join(treat.value for treat in Treat)}")
    try:
        return Case(
            str(given.get("name") or where)[:200], read_facts({**defaults, **facts}, atlas),
            Treat(given.get("unknown", "strict")), given["expect"],
            _names(given.get("rules"), f"{where}.rules"), _names(given.get("missing"), f"{where}.missing"),
        )  # fmt: skip
    except ValueError as wrong:
        raise BadCase(f"{where}: {wrong}") from None


def _names(value: Any, where: str) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadCase(f"{where}: must be a list of texts")
    return frozenset(value)


def read_facts(document: Mapping[str, Any], atlas: Atlas) -> Facts:
    """Facts with their places looked up; where a person signs in, no workload does. Raises ValueError."""
    facts = facts_from(document)
    if isinstance(facts.user, str) and isinstance(facts.service_principal, Unknown):
        facts = replace(facts, service_principal=None)
    return replace(facts, person=_placed(facts.person, atlas), requester=_placed(facts.requester, atlas))


def _placed(place: Place, atlas: Atlas) -> Place:
    if not isinstance(place.named, Unknown):
        return place
    if isinstance(place.address, Unknown):
        told = Geo(place.country, place.network, place.coordinates)
        return place if told == Geo() else atlas.somewhere(told)
    known = atlas.look(place.address)
    geo = Geo(
        known.country if isinstance(place.country, Unknown) else place.country,
        known.network if isinstance(place.network, Unknown) else place.network,
        known.coordinates if isinstance(place.coordinates, Unknown) else place.coordinates,
    )
    return replace(atlas, look=lambda _: geo).place(place.address)


def run_cases(policies: PolicySet, cases: Sequence[Case]) -> tuple[Verdict, ...]:
    """Run them all."""
    return tuple(_run(policies, case) for case in cases)


def _run(policies: PolicySet, case: Case) -> Verdict:
    decision = evaluate(policies, case.facts, unknown=case.unknown)
    differences = []
    if decision.outcome != case.expect:
        differences.append(f"expected {case.expect}, got {decision.outcome.value}")
    for what, wanted, found in (("rules", case.rules, decision.rules), ("missing", case.missing, decision.missing)):
        if wanted is not None and wanted != set(found):
            differences.append(f"{what}: expected {_said(wanted)}, got {_said(found)}")
    return Verdict(case, decision, explain(policies, case.facts, unknown=case.unknown), tuple(differences))


def _said(names: Sequence[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
