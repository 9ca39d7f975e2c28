"""
The two sides of a condition, the keys that a sign-in has on it, and what may be wrong with a policy document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ostiary.core.access.facts import Unknown

TEXTS = 2000  # entries of one list in a document


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in a document that cannot be enforced."""

    path: str
    """JSON path, e.g. ``$.conditions.locations``."""
    message: str


@dataclass(frozen=True, slots=True)
class Sides:
    """What a condition includes and excludes, as keys. `everyone` includes every sign-in, one with no keys too."""

    everyone: bool = False
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


ANY = Sides(everyone=True)
"""A condition that is not set."""


class Perhaps(NamedTuple):
    """Keys that a sign-in has for certain, and those of which nobody knows."""

    sure: frozenset[str]
    unsure: frozenset[str]


Keys = frozenset[str] | Perhaps | Unknown
"""What a sign-in has on one dimension; the empty set means "known to be none"."""


def texts(value: Any, path: str, problems: list[Problem]) -> tuple[str, ...]:
    """A list of texts, absent and null meaning empty; anything else is a problem."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) and 0 < len(item) <= 256 for item in value):
        problems.append(Problem(path, "must be a list of texts of at most 256 characters"))
        return ()
    if len(value) > TEXTS:
        problems.append(Problem(path, f"must hold at most {TEXTS} entries"))
        return ()
    return tuple(value)


def chosen(value: Any, path: str, known: tuple[str, ...], what: str, problems: list[Problem]) -> tuple[str, ...]:
    """A list of texts out of *known*."""
    given = texts(value, path, problems)
    problems.extend(Problem(path, f"{text[:40]} is not {what}") for text in given if text not in known)
    return given


def flag(value: Any, path: str, problems: list[Problem]) -> bool:
    """True or false, absent and null meaning false; a number is neither, though 1 equals True."""
    if value is not None and not isinstance(value, bool):
        problems.append(Problem(path, "must be true or false"))
    return value is True


def members(value: Any, path: str, known: tuple[str, ...], problems: list[Problem]) -> Mapping[str, Any]:
    """An object whose set fields are all in *known*; others that carry a value cannot be enforced."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(Problem(path, "must be an object"))
        return {}
    problems.extend(
        Problem(f"{path}.{name}", "is not supported")
        for name, content in value.items()
        if name not in known and not name.startswith("@") and content not in (None, [], {}, "")
    )
    return value
