"""
All policies of an organisation, compiled: one bit for each policy on each condition, one bit for each demand.

Deciding then is a few operations on whole numbers; what a policy's part in a decision looks like when all is met, or
when it blocks, is made here once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

from ostiary.core.access.compile import Policy, State
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.controls import Control, Stage, sign_in_frequency, stage
from ostiary.core.access.decision import Applied, Result
from ostiary.core.access.filters import Filter
from ostiary.core.access.limits import NO_LIMITS, Limits, tightest


@dataclass(frozen=True, slots=True)
class Dimension:
    """One condition over all policies, a bit each."""

    everyone: int
    """Policies that include every sign-in."""
    certain: int
    """Those of them that exclude nothing."""
    possible: int
    """Policies that include somebody."""
    include: Mapping[str, int]
    exclude: Mapping[str, int]

    @property
    def set(self) -> bool:
        """Whether some policy says something about it."""
        return bool(self.include or self.exclude) or self.everyone != self.certain


@dataclass(frozen=True, slots=True)
class Demands:
    """What one policy demands, as bits of `PolicySet.controls`."""

    policy: Policy
    blocks: bool
    every: int
    """All of these."""
    some: int
    """One of these, if there are any."""
    sort: int
    """The same for all policies that demand the same."""
    limits: Limits
    """What it narrows when it is enforced."""
    enforced: bool
    parts: dict[tuple[bool, int], Applied] = field(default_factory=dict, compare=False, repr=False)
    """Its part in a decision, by whether it failed and what was missing: made once each."""

    def met(self, has: int) -> bool:
        """Whether the demands in *has* are enough."""
        return not self.blocks and not self.every & ~has and (not self.some or bool(self.some & has))


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies with their indexes."""

    policies: tuple[Policy, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    enforced: int = 0
    reporting: int = 0
    filtered: int = 0
    """Those with rules about devices."""
    filters: tuple[Filter, ...] = ()
    """Every different rule about devices."""
    filtered_alike: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Policies that have the same rules about devices, as bits, and which of `filters` those are."""
    demands: tuple[Demands, ...] = ()
    """One for each policy."""
    narrowing: int = 0
    """Enforced policies that narrow something."""
    everybody: int = 0
    """Policies that no condition without entries keeps from applying."""
    told: tuple[int, ...] = ()
    """The dimensions that some policy says something about, by number."""
    controls: tuple[Control, ...] = ()
    """Every different demand."""
    reachable: int = 0
    """Those that can still be brought."""
    late: int = 0
    """Those that come after consent."""
    asked: frozenset[str] = frozenset()
    """The names of what enforced policies demand."""

    def named(self, condition: str) -> frozenset[str]:
        """The keys that some policy includes or excludes on *condition*: nothing else of it tells two apart."""
        at = tuple(each.NAME for each in CONDITIONS).index(condition)
        if not self.dimensions:
            return frozenset()
        return frozenset((*self.dimensions[at].include, *self.dimensions[at].exclude))


def compile_set(policies: Iterable[Policy]) -> PolicySet:
    """Index *policies* for `evaluate`."""
    ordered = tuple(policies)
    controls = tuple(dict.fromkeys(control for policy in ordered for control in policy.demands))
    numbers = {one: n for n, one in enumerate(dict.fromkeys(f for policy in ordered for f in policy.filters))}
    dimensions = tuple(_dimension(ordered, n) for n in range(len(CONDITIONS)))
    sorts: dict[tuple[bool, int, int], int] = {}
    bits = {control: 1 << n for n, control in enumerate(controls)}
    demands = tuple(_demands(policy, bits, sorts) for policy in ordered)
    return PolicySet(
        ordered,
        dimensions,
        _mask(p.state is State.ENABLED for p in ordered),
        _mask(p.state is State.REPORT_ONLY for p in ordered),
        _mask(bool(p.filters) for p in ordered),
        tuple(numbers),
        tuple(
            (_mask(policy.filters == alike for policy in ordered), tuple(numbers[one] for one in alike))
            for alike in dict.fromkeys(policy.filters for policy in ordered if policy.filters)
        ),
        demands,
        _mask(one.limits != NO_LIMITS and one.enforced for one in demands),
        reduce(int.__and__, (one.everyone for one in dimensions if not one.set), -1),
        tuple(n for n, one in enumerate(dimensions) if one.set),
        controls,
        _mask(stage(control) is not Stage.FIXED for control in controls),
        _mask(stage(control) is Stage.CONSENT for control in controls),
        frozenset(c.name for p in ordered if p.state is State.ENABLED for c in p.demands),
    )


def bits_of(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, the lowest first."""
    digits = bin(mask)[:1:-1]  # looking through text is cheaper than taking a long number apart bit by bit
    n = digits.find("1")
    while n >= 0:
        yield n
        n = digits.find("1", n + 1)


def _mask(bits: Iterable[bool]) -> int:
    return sum(1 << n for n, bit in enumerate(bits) if bit)


def _demands(policy: Policy, bits: Mapping[Control, int], sorts: dict[tuple[bool, int, int], int]) -> Demands:
    own, also = (_or(bits[control] for control in part) for part in (policy.controls, policy.also))
    every, some = also | (own if policy.every else 0), 0 if policy.every else own
    sort = sorts.setdefault((policy.blocks, every, some), len(sorts))
    limits = tightest((policy.limits, *(_narrows(control) for control in policy.also)))
    return Demands(policy, policy.blocks, every, some, sort, limits, policy.state is State.ENABLED)


def part_of(policy: Policy, result: Result, condition: str = "", missing: tuple[str, ...] = ()) -> Applied:
    """*policy*'s part in a decision."""
    session = tuple(one.label for one in policy.demands if one.name in sign_in_frequency.NAMES)
    grant = tuple(one.label for one in policy.demands if one.name not in sign_in_frequency.NAMES)
    return Applied(policy.id, policy.name, result, grant, condition, missing, session)


def _narrows(control: Control) -> Limits:
    """What a control that is satisfied means for what is given afterwards."""
    if control.name == "signInFrequency" and isinstance(control.value, int):
        return Limits(frequency=control.value)
    if control.name == "scopes" and isinstance(control.value, frozenset):
        return Limits(scopes=control.value)
    return NO_LIMITS


def _or(bits: Iterable[int]) -> int:
    return reduce(int.__or__, bits, 0)


def _dimension(policies: tuple[Policy, ...], n: int) -> Dimension:
    sides = [policy.sides[n] for policy in policies]
    return Dimension(
        everyone=_mask(s.everyone for s in sides),
        certain=_mask(s.everyone and not s.exclude for s in sides),
        possible=_mask(s.everyone or bool(s.include) for s in sides),
        include=_by_key(s.include for s in sides),
        exclude=_by_key(s.exclude for s in sides),
    )


def _by_key(sets: Iterable[frozenset[str]]) -> dict[str, int]:
    index: dict[str, int] = {}
    for n, keys in enumerate(sets):
        for key in keys:
            index[key] = index.get(key, 0) | 1 << n
    return index
