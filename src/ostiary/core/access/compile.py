"""
From a Graph `conditionalAccessPolicy` document to something that can be evaluated: the only code that knows its
fields.

Every problem is reported at once with its JSON path. A policy that cannot be enforced completely is refused on save
unless it is disabled or report-only (R4); should one be stored all the same, what it lacks counts against the
sign-in: an unreadable condition matches, an unknown control is never satisfied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.access.conditions import CONDITIONS, NAMES
from ostiary.core.access.sides import ANY, Problem, Sides, members, texts
from ostiary.core.words.ids import PolicyId

CONTROLS = ("block", "mfa")
"""Grant controls that can be enforced here."""


class State(StrEnum):
    """Graph's values."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REPORT_ONLY = "enabledForReportingButNotEnforced"


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy, read."""

    id: PolicyId
    name: str
    state: State
    sides: tuple[Sides, ...]
    """One for each of `CONDITIONS`, in their order."""
    controls: tuple[str, ...]
    every: bool
    """AND over the controls, else OR."""

    @property
    def blocks(self) -> bool:
        """Whether its grant is a block."""
        return "block" in self.controls

    def satisfied(self, has: frozenset[str]) -> bool:
        """Whether the controls in *has* are enough."""
        if self.blocks or not self.controls:
            return not self.controls
        return all(c in has for c in self.controls) if self.every else any(c in has for c in self.controls)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy with what is wrong with it."""

    policy: Policy
    problems: tuple[Problem, ...] = ()

    @property
    def acceptable(self) -> bool:
        """Whether it may be saved: enforceable, or not enforced."""
        fatal = tuple(p for p in self.problems if p.path in ("$", "$.displayName", "$.state", "$.conditions"))
        return not fatal and (not self.problems or self.policy.state is not State.ENABLED)


_TOP = (
    "id", "displayName", "description", "templateId", "createdDateTime", "modifiedDateTime", "state",
    "conditions", "grantControls", "sessionControls",
)  # fmt: skip


def compile_policy(id: PolicyId, document: Mapping[str, Any]) -> Compiled:
    """Read *document*. Never raises: what is wrong stands in `Compiled.problems`."""
    problems: list[Problem] = []
    given = members(dict(document), "$", _TOP, problems)
    name = given.get("displayName")
    if not isinstance(name, str) or not 0 < len(name) <= 256:
        problems.append(Problem("$.displayName", "must be a text of 1 to 256 characters"))
    state = _state(given.get("state"), problems)
    sides = _conditions(given.get("conditions"), problems)
    controls, every = _grant(given.get("grantControls"), problems)
    _session(given.get("sessionControls"), problems)
    policy = Policy(id, str(name)[:256], state, sides, controls, every)
    return Compiled(policy, tuple(problems))


def _state(value: Any, problems: list[Problem]) -> State:
    try:
        return State(value)
    except ValueError:
        problems.append(Problem("$.state", f"must be one of {', '.join(State)}"))
        return State.ENABLED  # the strict reading


def _conditions(value: Any, problems: list[Problem]) -> tuple[Sides, ...]:
    if not isinstance(value, dict):
        problems.append(Problem("$.conditions", "must be an object"))
        return tuple(ANY for _ in CONDITIONS)
    given = members(value, "$.conditions", tuple(NAMES), problems)
    return tuple(_condition(given, name, problems) for name in NAMES)


def _condition(given: Mapping[str, Any], name: str, problems: list[Problem]) -> Sides:
    """One condition; one that cannot be read, or lacks though Graph requires it, matches everything."""
    condition, path = NAMES[name], f"$.conditions.{name}"
    value, before = given.get(name), len(problems)
    if value is None:
        if condition.REQUIRED:
            problems.append(Problem(path, "is required"))
        return ANY
    sides = condition.read(value, path, problems)
    return sides if len(problems) == before else ANY


def _grant(value: Any, problems: list[Problem]) -> tuple[tuple[str, ...], bool]:
    path = "$.grantControls"
    given = members(value, path, ("operator", "builtInControls"), problems)
    controls = texts(given.get("builtInControls"), f"{path}.builtInControls", problems)
    unknown = [control for control in controls if control not in CONTROLS]
    problems.extend(
        Problem(f"{path}.builtInControls", f"{control[:40]} cannot be enforced here") for control in unknown
    )
    if not controls:
        problems.append(Problem(path, "must demand something"))
    if "block" in controls and len(controls) > 1:
        problems.append(Problem(f"{path}.builtInControls", "block stands alone"))
    operator = given.get("operator", "OR")
    if operator not in ("AND", "OR"):
        problems.append(Problem(f"{path}.operator", "must be AND or OR"))
    if any(p.path.startswith(path) for p in problems) and "block" not in controls:
        return (*controls, "unreadable"), True  # never satisfied
    return controls, operator != "OR"


def _session(value: Any, problems: list[Problem]) -> None:
    members(value, "$.sessionControls", (), problems)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One condition over all policies, a bit each."""

    everyone: int
    """Policies that include every sign-in."""
    certain: int
    """Those of them that exclude nothing."""
    include: Mapping[str, int]
    exclude: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies of an organisation, compiled to one bit per policy and dimension."""

    policies: tuple[Policy, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    enforced: int = 0
    reporting: int = 0


def compile_set(policies: Iterable[Policy]) -> PolicySet:
    """Index *policies* for `evaluate`."""
    ordered = tuple(policies)
    return PolicySet(
        ordered,
        tuple(_dimension(ordered, n) for n in range(len(CONDITIONS))),
        _mask(p.state is State.ENABLED for p in ordered),
        _mask(p.state is State.REPORT_ONLY for p in ordered),
    )


def _mask(bits: Iterable[bool]) -> int:
    return sum(1 << n for n, bit in enumerate(bits) if bit)


def _dimension(policies: tuple[Policy, ...], n: int) -> Dimension:
    sides = [policy.sides[n] for policy in policies]
    return Dimension(
        everyone=_mask(s.everyone for s in sides),
        certain=_mask(s.everyone and not s.exclude for s in sides),
        include=_by_key(s.include for s in sides),
        exclude=_by_key(s.exclude for s in sides),
    )


def _by_key(sets: Iterable[frozenset[str]]) -> dict[str, int]:
    index: dict[str, int] = {}
    for n, keys in enumerate(sets):
        for key in keys:
            index[key] = index.get(key, 0) | 1 << n
    return index
