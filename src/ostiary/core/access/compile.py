"""
From a Graph `conditionalAccessPolicy` document to something that can be evaluated: the only code that knows its
fields.

Every problem is reported at once with its JSON path. A policy that cannot be enforced completely is refused on save
unless it is disabled or report-only (R4); should one be stored all the same, what it lacks counts against the
sign-in: an unreadable condition matches, an unknown control is never satisfied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.access import filters
from ostiary.core.access import limits as narrowing
from ostiary.core.access.conditions import CONDITIONS, NAMES, OURS, client_applications, users
from ostiary.core.access.controls import (
    Control,
    authentication_strength,
    built_in,
    confirmations,
    proximity,
    requester_device,
    scope_ceiling,
    sign_in_frequency,
)
from ostiary.core.access.filters import Filter
from ostiary.core.access.limits import NO_LIMITS, Limits
from ostiary.core.access.sides import ANY, Problem, Sides, members
from ostiary.core.words.ids import PolicyId

UNREADABLE = Control("unreadable")
"""Stands for demands that could not be read; nothing satisfies it."""


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
    controls: tuple[Control, ...]
    """What Graph's `grantControls` demand."""
    every: bool
    """AND over the controls, else OR."""
    filters: tuple[Filter, ...] = ()
    also: tuple[Control, ...] = ()
    """What is demanded beside them, each: sign-in frequency and ours."""
    limits: Limits = NO_LIMITS

    @property
    def blocks(self) -> bool:
        """Whether its grant is a block."""
        return built_in.BLOCK in self.controls

    @property
    def demands(self) -> tuple[Control, ...]:
        """Everything that it demands."""
        return self.controls + self.also


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
    "conditions", "grantControls", "sessionControls", "ostiary",
)  # fmt: skip
_GRAPHS = tuple(name for name in NAMES if name not in OURS)
_WHO, _WORKLOADS = (tuple(NAMES).index(name) for name in (users.NAME, client_applications.NAME))


def compile_policy(id: PolicyId, document: Mapping[str, Any]) -> Compiled:
    """Read *document*. Never raises: what is wrong stands in `Compiled.problems`."""
    problems: list[Problem] = []
    given = members(dict(document), "$", _TOP, problems)
    name = given.get("displayName")
    if not isinstance(name, str) or not 0 < len(name) <= 256:
        problems.append(Problem("$.displayName", "must be a text of 1 to 256 characters"))
    state = _state(given.get("state"), problems)
    ours = members(given.get("ostiary"), "$.ostiary", ("conditions", "controls", "limits"), problems)
    sides, about_devices = _conditions(given.get("conditions"), ours.get("conditions"), problems)
    controls, every = _grant(given.get("grantControls"), problems)
    also = (*_session(given.get("sessionControls"), problems), *_demands(ours.get("controls"), problems))
    before = len(problems)
    limits = narrowing.read(ours.get("limits"), "$.ostiary.limits", problems)
    if len(problems) > before:
        also = (*also, UNREADABLE)
    if not controls and not also and limits == NO_LIMITS:
        problems.append(Problem("$.grantControls", "must demand something"))
        controls = (UNREADABLE,)
    policy = Policy(id, str(name)[:256], state, sides, controls, every, about_devices, also, limits)
    return Compiled(policy, tuple(problems))


def _state(value: Any, problems: list[Problem]) -> State:
    try:
        return State(value)
    except ValueError:
        problems.append(Problem("$.state", f"must be one of {', '.join(State)}"))
        return State.ENABLED  # the strict reading


def _conditions(value: Any, ours: Any, problems: list[Problem]) -> tuple[tuple[Sides, ...], tuple[Filter, ...]]:
    path, our_path = "$.conditions", "$.ostiary.conditions"
    if not isinstance(value, dict):
        problems.append(Problem(path, "must be an object"))
        return tuple(ANY for _ in CONDITIONS), ()
    given = members(value, path, (*_GRAPHS, filters.PERSON), problems)
    added = members(ours, our_path, (*OURS, filters.REQUESTER), problems)
    sides = tuple(
        _condition(added, name, our_path, problems) if name in OURS else _condition(given, name, path, problems)
        for name in NAMES
    )
    if sides[_WHO] == Sides() and not sides[_WORKLOADS].everyone:  # Entra writes `None` beside the workloads it means
        sides = (*sides[:_WHO], ANY, *sides[_WHO + 1 :])
    found = (
        filters.read(filters.PERSON, given.get(filters.PERSON), f"{path}.{filters.PERSON}", problems),
        filters.read(filters.REQUESTER, added.get(filters.REQUESTER), f"{our_path}.{filters.REQUESTER}", problems),
    )
    return sides, tuple(one for one in found if one is not None)


def _condition(given: Mapping[str, Any], name: str, parent: str, problems: list[Problem]) -> Sides:
    """One condition; one that cannot be read, or lacks though Graph requires it, matches everything."""
    condition, path = NAMES[name], f"{parent}.{name}"
    value, before = given.get(name), len(problems)
    if value is None:
        if condition.REQUIRED:
            problems.append(Problem(path, "is required"))
        return ANY
    sides = condition.read(value, path, problems)
    return sides if len(problems) == before else ANY


def _grant(value: Any, problems: list[Problem]) -> tuple[tuple[Control, ...], bool]:
    path, before = "$.grantControls", len(problems)
    given = members(value, path, ("operator", "builtInControls", "authenticationStrength"), problems)
    controls = built_in.read(given.get("builtInControls"), f"{path}.builtInControls", problems)
    strength = authentication_strength.read(
        given.get("authenticationStrength"), f"{path}.authenticationStrength", problems
    )
    if built_in.BLOCK in controls and len(controls + strength) > 1:
        problems.append(Problem(f"{path}.builtInControls", "block stands alone"))
    if strength and Control("mfa") in controls:  # Entra's rule
        problems.append(Problem(f"{path}.authenticationStrength", "does not stand beside mfa"))
    operator = given.get("operator", "OR")
    if operator not in ("AND", "OR"):
        problems.append(Problem(f"{path}.operator", "must be AND or OR"))
    if len(problems) > before and built_in.BLOCK not in controls:
        return (*controls, *strength, UNREADABLE), True  # never satisfied
    return controls + strength, operator != "OR"


def _session(value: Any, problems: list[Problem]) -> tuple[Control, ...]:
    """Graph's session controls: the sign-in frequency; the others are not enforced here."""
    path, before = "$.sessionControls", len(problems)
    given = members(value, path, sign_in_frequency.NAMES, problems)
    name = sign_in_frequency.NAMES[0]
    controls = sign_in_frequency.read(given.get(name), f"{path}.{name}", problems)
    return controls if len(problems) == before else (*controls, UNREADABLE)


_OUR_CONTROLS = (
    ("proximity", proximity),
    ("requesterDevice", requester_device),
    ("numberConfirmation", confirmations),
    ("startTicket", confirmations),
    ("referenceBinding", confirmations),
    ("machineBinding", confirmations),
    ("scopes", scope_ceiling),
)


def _demands(value: Any, problems: list[Problem]) -> tuple[Control, ...]:
    """Our `ostiary.controls`: each is demanded, beside what Graph's grant controls say."""
    path, before = "$.ostiary.controls", len(problems)
    given = members(value, path, tuple(name for name, _ in _OUR_CONTROLS), problems)
    found = tuple(
        control
        for name, demand in _OUR_CONTROLS
        for control in demand.read(given.get(name), f"{path}.{name}", problems)
    )
    return found if len(problems) == before else (*found, UNREADABLE)
