"""
Conditions: one file each, listed here and nowhere else.

A condition says which Graph fields it owns (`FIELDS`), reads them into `Sides` (what it includes and excludes, as
keys) and tells which keys a sign-in has (`keys`). Everything else, matching, unknown facts, explaining, is the
engine's and the same for all.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ostiary.core.access.conditions import applications, authentication_flows, client_app_types, users
from ostiary.core.access.facts import Facts, Unknown
from ostiary.core.access.sides import Problem, Sides


class Condition(Protocol):
    """What each file offers."""

    NAME: str
    """Graph's field under `conditions`."""
    REQUIRED: bool

    def read(self, value: Any, path: str, problems: list[Problem]) -> Sides:
        """Read Graph's value (None when the field is absent); add to *problems* what cannot be enforced."""

    def keys(self, facts: Facts) -> frozenset[str] | Unknown:
        """The keys that *facts* have on this dimension; empty means "known to be none"."""


CONDITIONS: tuple[Condition, ...] = (users, applications, client_app_types, authentication_flows)

NAMES: Mapping[str, Condition] = {condition.NAME: condition for condition in CONDITIONS}
