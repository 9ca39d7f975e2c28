"""What must hold for every set of policies and every sign-in, over every condition and every control."""

from copy import deepcopy
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.access.decision import Decision, Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import UNKNOWN, Facts, Place, Treat
from ostiary.core.access.remembered import facts_document, facts_from
from tests.core.access.dice import RULES, Dice
from tests.core.access.test_naive import SEEDS, compiled

RANK = {Outcome.ALLOWED: 0, Outcome.CONTROLS: 1, Outcome.UNJUDGED: 2, Outcome.BLOCKED: 3}
ENFORCED = (Treat.STRICT, Treat.LATER)
TREATS = st.sampled_from(list(Treat))
BLOCK = {"grantControls": {"operator": "OR", "builtInControls": ["block"]}, "sessionControls": None}


def judged(documents: list[dict[str, Any]], facts: Facts, treat: Treat = Treat.STRICT) -> Decision:
    """The engine's answer."""
    return evaluate(compiled(documents), facts, unknown=treat)


def drawn(seed: int, count: int = 4) -> tuple[Dice, list[dict[str, Any]], Facts]:
    """Policies and a sign-in."""
    dice = Dice(seed)
    return dice, [dice.policy() for _ in range(count)], dice.facts()


# ---- more policies, more exclusions


@settings(max_examples=300, deadline=None)
@given(SEEDS, st.booleans(), TREATS)
def test_one_policy_more_never_allows_more(seed: int, block: bool, treat: Treat) -> None:
    """There is no policy that opens: whatever is added, a block or not, the answer is as strict as before."""
    dice, documents, sign_in = drawn(seed, 3)
    extra = dice.policy(**(BLOCK if block else {}))
    before, after = judged(documents, sign_in, treat), judged([*documents, extra], sign_in, treat)
    assert RANK[after.outcome] >= RANK[before.outcome]
    if before.limits.scopes is not None and after.outcome is not Outcome.BLOCKED:
        assert after.limits.scopes is not None
        assert after.limits.scopes <= before.limits.scopes


EXCLUSIONS: tuple[tuple[str, Any], ...] = (
    ("clientApplications.excludeServicePrincipals", "w"), ("users.excludeUsers", "b"),
    ("users.excludeGroups", "g"), ("users.excludeRoles", "administrator"),
    ("applications.excludeApplications", "y"), ("platforms.excludePlatforms", "linux"),
    ("locations.excludeLocations", "l1"), ("requesterLocations.excludeLocations", "l2"), ("devices", RULES[0]),
    ("requesterDevice", RULES[3]),
)  # fmt: skip


@pytest.mark.parametrize(("where", "what"), EXCLUSIONS, ids=[name for name, _ in EXCLUSIONS])
@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(0, 3), st.sampled_from(ENFORCED))
def test_one_exclusion_more_never_blocks_more(where: str, what: Any, seed: int, n: int, treat: Treat) -> None:
    """Whom, what or where a policy excludes, it does not touch."""
    _, documents, sign_in = drawn(seed)
    looser = deepcopy(documents)
    exclude(looser[n], where, what)
    before, after = judged(documents, sign_in, treat), judged(looser, sign_in, treat)
    assert RANK[after.outcome] <= RANK[before.outcome]


EVERYONE = {"platforms": ("includePlatforms", ["all"]), "locations": ("includeLocations", ["All"])}


def exclude(document: dict[str, Any], where: str, what: Any) -> None:
    """Add *what* to a list of exclusions; where a condition was not set, it includes everything as before."""
    name, _, side = where.partition(".")
    ours = name.startswith("requester")
    conditions = document["ostiary"]["conditions"] if ours else document["conditions"]
    if not side:  # one rule a policy: only where none stands yet
        conditions[name] = conditions[name] or {"deviceFilter": {"mode": "exclude", "rule": what}}
        return
    all_of_it, included = EVERYONE.get("locations" if ours else name, ("", []))
    part = conditions.get(name) or {all_of_it: included}
    conditions[name] = {**part, side: [*(part.get(side) or []), what]}


# ---- less knowledge

FACTS = tuple(one.name for one in fields(Facts) if one.name not in ("application", "person", "requester"))
PLACES = tuple(one.name for one in fields(Place) if one.name != "unsure")


@pytest.mark.parametrize("name", FACTS)
@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_r4_less_knowledge_never_allows_more(name: str, seed: int) -> None:
    """R4: of whatever fact, an unknown one allows no more than any of its values would."""
    _, documents, sign_in = drawn(seed)
    worse(documents, sign_in, replace(sign_in, **{name: UNKNOWN}))  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["person", "requester"])
@pytest.mark.parametrize("part", [*PLACES, "all of it"])
@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_r4_less_knowledge_of_a_place_never_allows_more(part: str, side: str, seed: int) -> None:
    """R4: neither of where the person is nor of where the machine is, in any respect."""
    _, documents, sign_in = drawn(seed)
    place: Place = getattr(sign_in, side)
    lost = Place() if part == "all of it" else replace(place, **{part: UNKNOWN})  # type: ignore[arg-type]
    worse(documents, sign_in, replace(sign_in, **{side: lost}))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.sampled_from(["person", "requester"]), st.sampled_from(["l1", "l2"]))
def test_r4_a_location_that_nobody_is_sure_of_allows_no_more(seed: int, side: str, name: str) -> None:
    """R4: neither than being in it would, nor than being elsewhere."""
    _, documents, sign_in = drawn(seed)
    place: Place = getattr(sign_in, side)
    others = place.named - {name} if isinstance(place.named, frozenset) else frozenset()
    unsure = replace(place, named=others, unsure=place.unsure | {name})
    for named in (others, others | {name}):
        certain = replace(place, named=named, unsure=place.unsure - {name})
        worse(documents, replace(sign_in, **{side: certain}), replace(sign_in, **{side: unsure}))  # type: ignore[arg-type]


_BROUGHT = ("number_confirmed", "reference_bound", "machine_bound")


def worse(documents: list[dict[str, Any]], known: Facts, lost: Facts) -> None:
    """
    The sign-in of which less is known is allowed no more. That a requester can take no number, or said nothing that its
    person could type, is worse than not knowing it: then none can ever come.
    """
    before, after = judged(documents, known).outcome, judged(documents, lost).outcome
    assert after is not Outcome.ALLOWED or before is Outcome.ALLOWED
    never = (tuple(getattr(one, name) is None for name in _BROUGHT) for one in (known, lost))
    if all(after or not before for before, after in zip(*never, strict=True)):
        assert RANK[after] >= RANK[before]


# ---- what changes nothing


@settings(max_examples=150, deadline=None)
@given(SEEDS, TREATS)
def test_the_order_of_policies_never_matters(seed: int, treat: Treat) -> None:
    """There is no priority among policies: outcome, what is missing, limits, and each one's part are the same."""
    _, documents, sign_in = drawn(seed)
    for number, document in enumerate(documents):
        document["displayName"] = f"p{number}"
    shuffled = Random(seed).sample(documents, len(documents))
    assert parts(judged(documents, sign_in, treat)) == parts(judged(shuffled, sign_in, treat))


def parts(decision: Decision) -> tuple[object, ...]:
    """All that a decision says, with each policy's part by its name."""
    policies = {(one.name, one.result, one.controls, one.missing, one.session_controls) for one in decision.policies}
    return decision.outcome, decision.missing, decision.limits, decision.later, policies


SILENT = (Result.NOT_APPLIED, Result.NOT_ENABLED, Result.REPORT_NOT_APPLIED)


@settings(max_examples=150, deadline=None)
@given(SEEDS, TREATS)
def test_deciding_and_explaining_agree_under_every_treatment(seed: int, treat: Treat) -> None:
    """The explanation is the decision, recomputed policy by policy, also from facts that were written and read."""
    _, documents, sign_in = drawn(seed)
    policies, again = compiled(documents), facts_from(facts_document(sign_in))
    told = explain(policies, again, unknown=treat)
    decided = evaluate(policies, sign_in, unknown=treat).policies
    key = lambda one: (one.id, one.result, one.controls, one.missing, one.session_controls)  # noqa: E731
    assert {key(one) for one in told if one.result not in SILENT} == set(map(key, decided))
    assert all(one.condition for one in told if one.result in (Result.NOT_APPLIED, Result.REPORT_NOT_APPLIED))


@settings(deadline=None)
@given(SEEDS, TREATS)
def test_only_enforced_policies_change_the_outcome(seed: int, treat: Treat) -> None:
    """Report-only and disabled ones could as well not be there; limits and what is missing stay as well."""
    _, documents, sign_in = drawn(seed)
    enforced = [one for one in documents if one["state"] == "enabled"]
    with_, without = judged(documents, sign_in, treat), judged(enforced, sign_in, treat)
    assert (with_.outcome, with_.missing, with_.limits) == (without.outcome, without.missing, without.limits)


@settings(deadline=None)
@given(SEEDS, st.sampled_from(ENFORCED))
def test_a_block_that_applies_beats_everything(seed: int, treat: Treat) -> None:
    """Whatever else is there, in whatever order."""
    dice, documents, sign_in = drawn(seed, 3)
    conditions = {
        "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
    }  # fmt: skip
    block = {"displayName": "block", "state": "enabled", "conditions": conditions, **BLOCK}
    documents.insert(dice.one(0, 1, 2, 3), block)
    assert judged(documents, sign_in, treat).outcome is Outcome.BLOCKED
