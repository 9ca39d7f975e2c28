"""
The decision: every enabled policy whose conditions all match applies; a block beats everything; otherwise every
applying policy's controls must be satisfied
(https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies). Report-only
policies are judged and reported, never enforced.

Each condition leaves a bit for each policy that may match, and one for each that must: they differ only where
something is unknown (R4). What is left over is tested one by one.
"""

from collections.abc import Iterator

from ostiary.core.access.compile import Dimension, Policy, PolicySet, State
from ostiary.core.access.conditions import CONDITIONS, Condition
from ostiary.core.access.controls import Control, Stage, satisfied, stage
from ostiary.core.access.decision import Applied, Decision, Outcome, Result
from ostiary.core.access.facts import UNKNOWN, Facts, Treat, Unknown
from ostiary.core.access.limits import Limits, tightest
from ostiary.core.access.sides import Keys, Perhaps

_SESSION = ("signInFrequency",)


def evaluate(policies: PolicySet, facts: Facts, *, unknown: Treat) -> Decision:
    """
    Judge *facts*.

    Under `Treat.LATER` only blocks count, and controls that can no longer be brought: the others are asked for when
    the person is there.
    """
    may = must = policies.enforced | policies.reporting
    for condition, dimension in zip(CONDITIONS, policies.dimensions, strict=True):
        keys = _keys(condition, facts, unknown)
        if isinstance(keys, frozenset):
            matching = _matching(dimension, keys, keys)
            may &= matching
            must &= matching
        else:
            may &= _may(dimension, keys)
            must &= _must(dimension, keys)
    may, must = _filtered(policies, facts, may, must)
    applying = may if unknown is Treat.STRICT else must
    judged = [_judged(policies.policies[n], facts, unknown) for n in _bits(applying)]
    if unknown is Treat.ENTRA and may != must:
        return _unjudged(policies, may & ~must, judged)
    return _answer(judged)


def _keys(condition: Condition, facts: Facts, unknown: Treat) -> Keys:
    keys = condition.keys(facts)
    if unknown is Treat.ENTRA and isinstance(keys, Unknown) and condition.UNKNOWN_IS_NONE:
        return frozenset()
    return keys


def _matching(dimension: Dimension, inside: frozenset[str], outside: frozenset[str]) -> int:
    """The policies that include one of the keys in *inside* and exclude none of those in *outside*."""
    included, excluded = dimension.everyone, 0
    for key in inside:
        included |= dimension.include.get(key, 0)
    for key in outside:
        excluded |= dimension.exclude.get(key, 0)
    return included & ~excluded


def _may(dimension: Dimension, keys: Perhaps | Unknown) -> int:
    """The policies that match if what is unknown is at its worst."""
    if isinstance(keys, Unknown):
        return dimension.possible
    return _matching(dimension, keys.sure | keys.unsure, keys.sure)


def _must(dimension: Dimension, keys: Perhaps | Unknown) -> int:
    """The policies that match whatever the unknown is."""
    if isinstance(keys, Unknown):
        return dimension.certain
    return _matching(dimension, keys.sure, keys.sure | keys.unsure)


def _filtered(policies: PolicySet, facts: Facts, may: int, must: int) -> tuple[int, int]:
    """Without the policies whose rules about devices do not match."""
    for n in _bits(may & policies.filtered):
        answers = [one.matches(facts) for one in policies.policies[n].filters]
        if False in answers:
            may &= ~(1 << n)
        if not all(answer is True for answer in answers):
            must &= ~(1 << n)
    return may, must


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Judged:
    """One applying policy with what of its demands is met."""

    __slots__ = ("failed", "policy", "reachable", "result", "unmet")

    def __init__(self, policy: Policy, facts: Facts, unknown: Treat) -> None:
        answers = {control: satisfied(control, facts) for control in policy.demands}
        met = [control for control, answer in answers.items() if answer is True]
        self.policy = policy
        self.unmet = tuple(control for control in answers if control not in met)
        self.reachable = tuple(control for control in self.unmet if stage(control) is not Stage.FIXED)
        if unknown is Treat.LATER:  # what is not known yet, or can still be brought, is asked for later
            met = [*met, *self.reachable, *(control for control in answers if answers[control] is UNKNOWN)]
        self.failed = not policy.satisfied(met)
        if policy.state is State.REPORT_ONLY:
            self.result = Result.REPORT_FAILURE if self.failed else Result.REPORT_SUCCESS
        else:
            self.result = Result.FAILURE if self.failed else Result.SUCCESS

    @property
    def helpless(self) -> bool:
        """Whether nothing that can still be brought would satisfy it."""
        met = [control for control in self.policy.demands if control not in self.unmet]
        return not self.policy.satisfied([*met, *self.reachable])

    def applied(self) -> Applied:
        """As the decision tells it."""
        policy = self.policy
        return Applied(
            policy.id, policy.name, self.result, _labels(policy), "",
            tuple(control.label for control in self.unmet if control.name != "block"),
            tuple(control.label for control in policy.also if control.name in _SESSION),
        )  # fmt: skip


def _judged(policy: Policy, facts: Facts, unknown: Treat) -> _Judged:
    return _Judged(policy, facts, unknown)


def _labels(policy: Policy) -> tuple[str, ...]:
    return tuple(control.label for control in policy.demands if control.name not in _SESSION)


def _answer(judged: list[_Judged]) -> Decision:
    applied = tuple(one.applied() for one in judged)
    enforced = [one for one in judged if one.policy.state is State.ENABLED]
    failing = [one for one in enforced if one.failed]
    if not failing:
        return Decision(Outcome.ALLOWED, (), applied, _limits(enforced))
    if any(one.policy.blocks for one in failing):
        return Decision(Outcome.BLOCKED, policies=applied)
    helpless = any(one.helpless for one in failing)
    missing = {control for one in failing for control in (one.unmet if helpless else one.reachable)}
    later = not helpless and all(stage(control) is Stage.CONSENT for control in missing)
    return Decision(
        Outcome.BLOCKED if helpless else Outcome.CONTROLS,
        tuple(sorted(control.label for control in missing)),
        applied,
        _limits(enforced),
        later,
    )


def _limits(enforced: list[_Judged]) -> Limits:
    own = (one.policy.limits for one in enforced)
    return tightest((*own, *(_narrows(control) for one in enforced for control in one.policy.also)))


def _narrows(control: Control) -> Limits:
    """What a control that is satisfied means for what is given afterwards."""
    if control.name == "signInFrequency" and isinstance(control.value, int):
        return Limits(frequency=control.value)
    if control.name == "scopes" and isinstance(control.value, frozenset):
        return Limits(scopes=control.value)
    return Limits()


def _unjudged(policies: PolicySet, doubtful: int, judged: list[_Judged]) -> Decision:
    """Entra's treatment where something decisive is unknown: a block that is certain stands, all else is open."""
    certain = _answer(judged)
    open_ = tuple(_doubtful(policies.policies[n], "") for n in _bits(doubtful))
    matters = doubtful & policies.enforced and certain.outcome is not Outcome.BLOCKED
    outcome = Outcome.UNJUDGED if matters else certain.outcome
    return Decision(outcome, certain.missing, (*certain.policies, *open_), certain.limits)


def _doubtful(policy: Policy, condition: str) -> Applied:
    return Applied(policy.id, policy.name, Result.UNKNOWN, _labels(policy), condition)


def explain(policies: PolicySet, facts: Facts, *, unknown: Treat = Treat.STRICT) -> tuple[Applied, ...]:
    """Every policy, the ones that do not apply too, with the first condition that decided."""
    masks = []
    for condition, dimension in zip(CONDITIONS, policies.dimensions, strict=True):
        keys = _keys(condition, facts, unknown)
        exact = _matching(dimension, keys, keys) if isinstance(keys, frozenset) else None
        may = exact if exact is not None else _may(dimension, keys)  # type: ignore[arg-type]
        must = exact if exact is not None else _must(dimension, keys)  # type: ignore[arg-type]
        masks.append((condition.NAME, may, must))
    return tuple(_explained(policy, n, facts, masks, unknown) for n, policy in enumerate(policies.policies))


def _explained(policy: Policy, n: int, facts: Facts, masks: list[tuple[str, int, int]], unknown: Treat) -> Applied:
    if policy.state is State.DISABLED:
        return Applied(policy.id, policy.name, Result.NOT_ENABLED, _labels(policy))
    answers: list[tuple[str, bool | Unknown]] = [(name, _bit(may, must, n)) for name, may, must in masks] + [
        (one.name, one.matches(facts)) for one in policy.filters
    ]
    no = next((name for name, answer in answers if answer is False), None)
    doubt = next((name for name, answer in answers if answer is UNKNOWN), None)
    if no is None and doubt is not None and unknown is Treat.ENTRA:
        return _doubtful(policy, doubt)
    if no is not None or (doubt is not None and unknown is Treat.LATER):
        result = Result.REPORT_NOT_APPLIED if policy.state is State.REPORT_ONLY else Result.NOT_APPLIED
        return Applied(policy.id, policy.name, result, _labels(policy), no or doubt or "")
    return _judged(policy, facts, unknown).applied()


def _bit(may: int, must: int, n: int) -> bool | Unknown:
    if not may >> n & 1:
        return False
    return True if must >> n & 1 else UNKNOWN
