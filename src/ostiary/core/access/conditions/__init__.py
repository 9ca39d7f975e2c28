"""
Conditions: one file each, listed here and nowhere else.

A condition says which field it owns (`NAME`), reads it into `Sides` (what it includes and excludes, as keys) and tells
which keys a sign-in has (`keys`). Everything else, matching, unknown facts, explaining, is the engine's and the same
for all. `OURS` stand under `ostiary.conditions`, the others are Graph's. What cannot be told by keys, the rules about
devices, is `core/access/filters.py`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ostiary.core.access.conditions import (
    applications,
    authentication_flows,
    client_app_types,
    client_applications,
    locations,
    platforms,
    requester_locations,
    sign_in_risk_levels,
    user_risk_levels,
    users,
)
from ostiary.core.access.facts import Facts
from ostiary.core.access.sides import Keys, Problem, Sides


class Condition(Protocol):
    """What each file offers."""

    NAME: str
    """Its field in the document."""
    REQUIRED: bool
    UNKNOWN_IS_NONE: bool
    """Whether Entra takes what it does not know for none."""

    def read(self, value: Any, path: str, problems: list[Problem]) -> Sides:
        """Read the field's value (never None); add to *problems* what cannot be enforced."""

    def keys(self, facts: Facts) -> Keys:
        """The keys that *facts* have on this dimension; empty means "known to be none"."""


CONDITIONS: tuple[Condition, ...] = (
    users,
    applications,
    client_app_types,
    authentication_flows,
    platforms,
    locations,
    sign_in_risk_levels,
    user_risk_levels,
    client_applications,
    requester_locations,
)

OURS: tuple[str, ...] = (requester_locations.NAME,)

NAMES: Mapping[str, Condition] = {condition.NAME: condition for condition in CONDITIONS}
