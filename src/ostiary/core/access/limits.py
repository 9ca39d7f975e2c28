"""
Limits: what an applying policy narrows, without saying no. Several policies together give the tightest of each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from ostiary.core.access.sides import Problem, members
from ostiary.core.words.instants import Span, hours, minutes

T = TypeVar("T")

ACCESS_MINUTES = (2, 60)
SESSION_HOURS = (1, 24)


@dataclass(frozen=True, slots=True)
class Limits:
    """None means not narrowed."""

    access: Span | None = None
    """How long an access or id token lives at most."""
    session: Span | None = None
    """How long the session lives at most."""
    frequency: int | None = None
    """Seconds that a proof may be old (Graph's sign-in frequency)."""
    scopes: frozenset[str] | None = None
    """The scope ceiling."""


NO_LIMITS = Limits()


def read(value: Any, path: str, problems: list[Problem]) -> Limits:
    """Our `ostiary.limits`: ``{"accessMinutes": n, "sessionHours": n}``."""
    given = members(value, path, ("accessMinutes", "sessionHours"), problems)
    access = _number(given.get("accessMinutes"), f"{path}.accessMinutes", ACCESS_MINUTES, problems)
    session = _number(given.get("sessionHours"), f"{path}.sessionHours", SESSION_HOURS, problems)
    return Limits(None if access is None else minutes(access), None if session is None else hours(session))


def _number(value: Any, path: str, within: tuple[int, int], problems: list[Problem]) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not within[0] <= value <= within[1]:
        problems.append(Problem(path, f"must be a whole number from {within[0]} to {within[1]}"))
        return None
    return value


def tightest(limits: Iterable[Limits]) -> Limits:
    """The tightest of each."""
    every = tuple(one for one in limits if one != NO_LIMITS)
    if not every:
        return NO_LIMITS
    return Limits(
        _least(min, (one.access for one in every)),
        _least(min, (one.session for one in every)),
        _least(min, (one.frequency for one in every)),
        _least(lambda sets: frozenset.intersection(*sets), (one.scopes for one in every)),
    )


def _least(choose: Callable[[list[T]], T], values: Iterable[T | None]) -> T | None:
    known = [value for value in values if value is not None]
    return choose(known) if known else None
