"""The engine against the naive one, over every condition and every control."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.controls import CONTROLS
from ostiary.core.access.decision import Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.filters import DEVICES as FILTERS
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.access.remembered import facts_document, facts_from
from ostiary.core.words.ids import PolicyId
from tests.core.access.dice import Dice
from tests.core.access.naive import applies, decide

SEEDS = st.integers(0, 2**40)


def compiled(documents: list[dict[str, Any]]) -> PolicySet:
    """*documents*, which must be free of problems."""
    read = [compile_policy(PolicyId(str(n)), document) for n, document in enumerate(documents)]
    assert [one.problems for one in read if one.problems] == []
    return compile_set(one.policy for one in read)


@settings(max_examples=400, deadline=None)
@given(SEEDS, st.integers(0, 5), st.sampled_from(list(Treat)))
def test_the_compiled_engine_answers_as_the_naive_one(seed: int, count: int, treat: Treat) -> None:
    """Bits, indexes and survivors change nothing of what the documents say."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(count)], dice.facts(platform=treat is Treat.ENTRA)
    decision = evaluate(compiled(documents), sign_in, unknown=treat)
    assert decision.outcome.value == decide(documents, sign_in, treat)


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.sampled_from([Treat.STRICT, Treat.LATER]))
def test_the_explanation_says_of_each_policy_what_the_naive_one_says(seed: int, treat: Treat) -> None:
    """Whether it applies, policy by policy: a refusal is never blamed on a rule that had no part in it."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(4)], dice.facts()
    for document, told in zip(documents, explain(compiled(documents), sign_in, unknown=treat), strict=True):
        answer = applies(document, sign_in)
        wanted = answer is True or (answer is None and treat is Treat.STRICT)
        silent = told.result in (Result.NOT_APPLIED, Result.REPORT_NOT_APPLIED, Result.NOT_ENABLED)
        assert silent is not (wanted and document["state"] != "disabled")


def test_the_dice_throw_everything_there_is() -> None:
    """
    Every condition, every rule about devices and every control is drawn, and every outcome comes of it: a part that is
    added to the engine must be added to the dice.
    """
    dice, outcomes = Dice(7), set()
    documents = [dice.policy() for _ in range(300)]
    policies = compiled(documents)
    assert {n for n in range(len(CONDITIONS)) if policies.dimensions[n].set} == set(range(len(CONDITIONS)))
    assert {one.name for one in policies.filters} == set(FILTERS)
    names = {control.name for control in policies.controls}
    assert names == {name for demand in CONTROLS for name in demand.NAMES}
    for seed in range(200):
        dice = Dice(seed)
        policies = compiled([dice.policy() for _ in range(4)])
        outcomes |= {evaluate(policies, dice.facts(), unknown=treat).outcome for treat in Treat}
    assert outcomes == set(Outcome)


@settings(deadline=None)
@given(SEEDS)
def test_facts_survive_being_written_down(seed: int) -> None:
    """Both ways, whatever is known, none or unknown."""
    sign_in = Dice(seed).facts()
    assert facts_from(facts_document(sign_in)) == sign_in


def test_entra_takes_an_unknown_platform_for_none_of_those_it_names() -> None:
    """Unknown or unsupported device platform: matched by "any device", by no platform by name, excluded by none."""
    for platforms, outcome in (
        ({"includePlatforms": ["linux"]}, Outcome.ALLOWED),
        ({"includePlatforms": ["all"], "excludePlatforms": ["linux", "iOS"]}, Outcome.BLOCKED),
    ):
        document = {
            "displayName": "p", "state": "enabled", "grantControls": {"builtInControls": ["block"]},
            "conditions": {
                "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"], "platforms": platforms,
            },
        }  # fmt: skip
        assert evaluate(compiled([document]), Facts(), unknown=Treat.ENTRA).outcome is outcome
