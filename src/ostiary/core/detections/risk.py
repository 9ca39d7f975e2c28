"""
Levels of risk, from findings: of a sign-in, and of a person (Graph's `signInRiskLevels` and `userRiskLevels`).

A sign-in is as risky as the worst finding about it that nobody dismissed. A person is as risky as the worst about their
own acts, or about what was given to them, for as long as `LASTS` says; whoever only reported what somebody else tried
is not risky for it. What an administrator confirmed is high for both.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ostiary.core.detections.finding import Cause, Finding, Severity, State
from ostiary.core.words.instants import Span, days, seconds

__all__ = ["BEHIND", "HIGHEST", "LASTS", "NONE", "Ranks", "level", "of_person", "of_sign_in", "ranks", "risen"]

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


class Ranks(NamedTuple):
    """What a finding counts for."""

    sign_in: int
    person: int


def ranks(finding: Finding) -> Ranks:
    """Those of *finding* while nobody has said anything of it."""
    return Ranks(
        of_sign_in(finding.severity, State.OPEN, finding.cause), of_person(finding.severity, State.OPEN, finding.cause)
    )


def risen(before: Ranks, finding: Finding) -> Ranks | None:
    """
    What a finding counts for that counted for *before* and came again as *finding*; None: for no more than it did. What
    was milder, or nobody's act, does not hide what comes after it; nor does that take away what counted before.
    """
    new = ranks(finding)
    both = Ranks(max(before.sign_in, new.sign_in), max(before.person, new.person))
    return both if both != before else None


def level(rank: int) -> str:
    """As conditional access names it."""
    return _NAMES[rank]
