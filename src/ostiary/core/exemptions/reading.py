"""
Values of a rule's document, read one by one; what is wrong joins the list of problems, with its path.
"""

from typing import Any

from ostiary.core.access.sides import Problem
from ostiary.core.words.instants import Span, from_duration

__all__ = ["flag", "length", "number", "text"]


def length(value: Any, place: str, shortest: Span, longest: Span, problems: list[Problem], message: str) -> Span | None:
    """An ISO 8601 duration from *shortest* to *longest*; None when it is not one, and *message* says so."""
    try:
        found = from_duration(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not shortest <= found <= longest:
        problems.append(Problem(place, message))
        return None
    return found


def flag(value: Any, place: str, problems: list[Problem], *, default: bool = False) -> bool:
    """true or false; null is *default*."""
    if value not in (None, True, False) or isinstance(value, int) is not isinstance(value, bool):
        problems.append(Problem(place, "must be true or false"))
        return default
    return default if value is None else bool(value)


def number(value: Any, place: str, least: int, most: int, problems: list[Problem]) -> int | None:
    """A whole number from *least* to *most*, or null."""
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        problems.append(Problem(place, f"must be a whole number from {least} to {most}"))
        return None
    return value


def text(value: Any, place: str, problems: list[Problem], *, most: int = 256) -> str:
    """A printable text of at most *most* characters; empty when it is not one."""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        problems.append(Problem(place, f"must be a printable text of at most {most} characters"))
        return ""
    return value
