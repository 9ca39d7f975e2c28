"""
Levels of risk, from findings: of a sign-in, and of a person (Graph's `signInRiskLevels` and `userRiskLevels`).

A sign-in is as risky as the worst finding about it that nobody dismissed. A person is as risky as the worst about their
own acts, or about what was given to them, for as long as `LASTS` says; whoever only reported what somebody else tried
is not risky for it. What an administrator confirmed is high for both.
"""

from collections.abc import Mapping

from ostiary.core.access.facts import UNKNOWN, Unknown
from ostiary.core.detections.finding import Cause, Severity, State
from ostiary.core.words.instants import Span, days, seconds

__all__ = ["BEHIND", "HIGHEST", "LASTS", "NONE", "level", "of_person", "of_sign_in"]

NONE = 0
_RANKS = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3}
HIGHEST = 3
_NAMES = ("none", "low", "medium", "high")
LASTS: Mapping[int, Span] = {1: days(7), 2: days(14), 3: days(30)}
"""How long a finding of each rank counts for its person, from when it happened."""
BEHIND = seconds(30)
"""An entry that the rules have not looked at for so long: no level is known then, and R4 decides."""


def of_sign_in(severity: Severity, state: State, cause: Cause) -> int:
    """The rank that a finding gives its sign-in; what is allowed makes none risky."""
    if state is State.OPEN:
        return NONE if cause is Cause.ALLOWED else _RANKS[severity]
    return HIGHEST if state is State.CONFIRMED else NONE


def of_person(severity: Severity, state: State, cause: Cause) -> int:
    """The rank that a finding gives its person; an administrator's word counts whoever caused it."""
    own = cause in (Cause.PERSON, Cause.HOLDER) or state is State.CONFIRMED
    return of_sign_in(severity, state, cause) if own else NONE


def level(rank: int | None) -> str | Unknown:
    """As conditional access names it; None: not known."""
    return UNKNOWN if rank is None else _NAMES[rank]
