"""
The decision: every enabled policy whose conditions all match applies; a block beats everything; otherwise every
applying policy's controls must be satisfied
(https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies). Report-only
policies are judged and reported, never enforced.

Each condition leaves a bit for each policy that may match, and one for each that must: they differ only where
something is unknown (R4). What is left over is tested one by one.
"""

from collections.abc import Iterable

from ostiary.core.access.compile import Policy, State
from ostiary.core.access.conditions import CONDITIONS, Condition
from ostiary.core.access.controls import satisfied
from ostiary.core.access.decision import Applied, Decision, Outcome, Result
from ostiary.core.access.facts import UNKNOWN, Facts, Treat, Unknown
from ostiary.core.access.limits import NO_LIMITS, Limits, tightest
from ostiary.core.access.policy_set import Demands, Dimension, PolicySet, bits_of, part_of
from ostiary.core.access.sides import Keys, Perhaps


def evaluate(policies: PolicySet, facts: Facts, *, unknown: Treat) -> Decision:
    """
    Judge *facts*.

    Under `Treat.LATER` only blocks count, and controls that can no longer be brought: the others are asked for when
    the person is there.
    """
    may = must = (policies.enforced | policies.reporting) & policies.everybody
    for number in policies.told:
        condition, dimension = CONDITIONS[number], policies.dimensions[number]
        keys = _keys(condition, facts, unknown)
        if isinstance(keys, frozenset):
            matching = _matching(dimension, keys, keys)
            may &= matching
            must &= matching
        else:
            may &= _may(dimension, keys)
            must &= _must(dimension, keys)
    if may & policies.filtered:
        may, must = _filtered(policies, facts, may, must)
    judge = _Judge(policies, facts, unknown)
    judge.add(may if unknown is Treat.STRICT else must)
    if unknown is Treat.ENTRA and may != must:
        return _unjudged(policies, may & ~must, judge.decision())
    return judge.decision()


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
    known: dict[int, bool | Unknown] = {}  # each different rule is looked at once
    for alike, numbers in policies.filtered_alike:
        if not may & alike:
            continue
        for number in numbers:
            answer = known.get(number)
            if answer is None:
                answer = known[number] = policies.filters[number].matches(facts)
            if answer is not True:
                must &= ~alike
            if answer is False:
                may &= ~alike
    return may, must


class _Judge:
    """Adds up the policies that apply; each different demand is looked at once."""

    __slots__ = ("_answered", "_facts", "_hopeful", "_lost", "_met", "_policies", "_unsure", "_verdicts", "applied",
                 "failing", "narrowing")  # fmt: skip

    def __init__(self, policies: PolicySet, facts: Facts, unknown: Treat) -> None:
        self._policies, self._facts = policies, facts
        self._answered = self._met = self._unsure = self._lost = 0
        self._hopeful = unknown is Treat.LATER
        self._verdicts: dict[int, tuple[bool, int]] = {}
        self.applied: list[Applied] = []
        self.failing: list[Demands] = []
        self.narrowing = 0

    def add(self, applying: int) -> None:
        """The policies that apply."""
        policies, verdicts, applied = self._policies, self._verdicts, self.applied
        self.narrowing |= applying & policies.narrowing
        for n in bits_of(applying):
            one = policies.demands[n]
            verdict = verdicts.get(one.sort)
            if verdict is None:
                verdict = verdicts[one.sort] = self._look(one)
            applied.append(one.parts.get(verdict) or self._part(one, verdict))
            if verdict[0] and one.enforced:
                self.failing.append(one)

    def _look(self, one: Demands) -> tuple[bool, int]:
        """Whether policies that demand this fail, and what is missing."""
        if one.blocks:
            return True, 0
        asked = one.every | one.some
        self._answer(asked & ~self._answered)
        has = self._met
        if self._hopeful:  # what is not known yet, or can still be brought, is asked for later
            has |= self._unsure | self._reachable()
        return not one.met(has), asked & ~self._met

    def _part(self, one: Demands, verdict: tuple[bool, int]) -> Applied:
        failed, lacks = verdict
        if one.policy.state is State.REPORT_ONLY:
            result = Result.REPORT_FAILURE if failed else Result.REPORT_SUCCESS
        else:
            result = Result.FAILURE if failed else Result.SUCCESS
        missing = tuple(sorted(self._policies.controls[n].label for n in bits_of(lacks)))  # in whatever set it stands
        one.parts[verdict] = part = part_of(one.policy, result, "", missing)
        return part

    def _answer(self, asked: int) -> None:
        for n in bits_of(asked):
            answer = satisfied(self._policies.controls[n], self._facts)
            if answer is True:
                self._met |= 1 << n
            elif answer is None:
                self._lost |= 1 << n
            elif isinstance(answer, Unknown):
                self._unsure |= 1 << n
        self._answered |= asked

    def _reachable(self) -> int:
        """Which demands can still be met, as far as was asked."""
        return self._policies.reachable & ~self._lost

    def decision(self) -> Decision:
        """What it comes to."""
        applied = tuple(self.applied)
        if not self.failing:
            return Decision(Outcome.ALLOWED, (), applied, self._limits())
        if any(one.blocks for one in self.failing):
            return Decision(Outcome.BLOCKED, policies=applied)
        reachable = self._reachable()
        helpless = any(not one.met(self._met | reachable) for one in self.failing)
        missing = 0
        for one in self.failing:
            missing |= (one.every | one.some) & ~self._met
        if not helpless:
            missing &= reachable
        labels = tuple(sorted(self._policies.controls[n].label for n in bits_of(missing)))
        later = not helpless and not missing & ~self._policies.late
        outcome = Outcome.BLOCKED if helpless else Outcome.CONTROLS
        return Decision(outcome, labels, applied, self._limits(), later)

    def _limits(self) -> Limits:
        if not self.narrowing:
            return NO_LIMITS
        return tightest(self._policies.demands[n].limits for n in bits_of(self.narrowing))


def _unjudged(policies: PolicySet, doubtful: int, certain: Decision) -> Decision:
    """Entra's treatment where something decisive is unknown: a block that is certain stands, all else is open."""
    open_ = tuple(part_of(policies.policies[n], Result.UNKNOWN) for n in bits_of(doubtful))
    matters = doubtful & policies.enforced and certain.outcome is not Outcome.BLOCKED
    outcome = Outcome.UNJUDGED if matters else certain.outcome
    return Decision(outcome, certain.missing, (*certain.policies, *open_), certain.limits)


def explain(policies: PolicySet, facts: Facts, *, unknown: Treat = Treat.STRICT) -> tuple[Applied, ...]:
    """Every policy, the ones that do not apply too, with the first condition that decided."""
    masks = []
    for condition, dimension in zip(CONDITIONS, policies.dimensions, strict=True):
        keys = _keys(condition, facts, unknown)
        exact = _matching(dimension, keys, keys) if isinstance(keys, frozenset) else None
        may = exact if exact is not None else _may(dimension, keys)  # type: ignore[arg-type]
        must = exact if exact is not None else _must(dimension, keys)  # type: ignore[arg-type]
        masks.append((condition.NAME, may, must))
    judge = _Judge(policies, facts, unknown)
    return tuple(_explained(one, n, judge, facts, masks, unknown) for n, one in enumerate(policies.demands))


def _explained(
    demands: Demands, n: int, judge: _Judge, facts: Facts, masks: Iterable[tuple[str, int, int]], unknown: Treat
) -> Applied:
    policy: Policy = demands.policy
    if policy.state is State.DISABLED:
        return part_of(policy, Result.NOT_ENABLED)
    answers: list[tuple[str, bool | Unknown]] = [(name, _bit(may, must, n)) for name, may, must in masks] + [
        (one.name, one.matches(facts)) for one in policy.filters
    ]
    no = next((name for name, answer in answers if answer is False), None)
    doubt = next((name for name, answer in answers if answer is UNKNOWN), None)
    if no is None and doubt is not None and unknown is Treat.ENTRA:
        return part_of(policy, Result.UNKNOWN, doubt)
    if no is not None or (doubt is not None and unknown is Treat.LATER):
        result = Result.REPORT_NOT_APPLIED if policy.state is State.REPORT_ONLY else Result.NOT_APPLIED
        return part_of(policy, result, no or doubt or "")
    judge.add(1 << n)
    return judge.applied[-1]


def _bit(may: int, must: int, n: int) -> bool | Unknown:
    if not may >> n & 1:
        return False
    return True if must >> n & 1 else UNKNOWN
