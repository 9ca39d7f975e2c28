"""
Levels of risk, as Graph names them.

Detections rate risk (`core/detections/risk.py`). While they are behind a level is unknown, and under enforcement an
unknown level matches every level that a policy names (R4).
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Unknown
from ostiary.core.access.sides import ANY, Keys, Problem, Sides, chosen

__all__ = ["keys_of", "read"]

LEVELS = ("low", "medium", "high", "none")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """A list of levels; an empty one means "not set"."""
    levels = chosen(value, path, LEVELS, "a level of risk", problems)
    return Sides(include=frozenset(levels)) if levels else ANY


def keys_of(level: str | Unknown) -> Keys:
    """The *level* of a fact."""
    return UNKNOWN if isinstance(level, Unknown) else frozenset({level})
