"""
How likely the account is in other hands: Graph's `userRiskLevels`.

Nothing here rates risk until detections do: the level is unknown then, and under enforcement an unknown level matches
every level that a policy names (R4).
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import ANY, Keys, Problem, Sides, chosen

NAME = "userRiskLevels"
REQUIRED = False
UNKNOWN_IS_NONE = False
_LEVELS = ("low", "medium", "high", "none")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """A list of levels; an empty one means "not set"."""
    levels = chosen(value, path, _LEVELS, "a level of risk", problems)
    return Sides(include=frozenset(levels)) if levels else ANY


def keys(facts: Facts) -> Keys:
    """The level."""
    return UNKNOWN if isinstance(facts.user_risk, Unknown) else frozenset({facts.user_risk})
