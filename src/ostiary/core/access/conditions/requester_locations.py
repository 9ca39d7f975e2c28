"""
Where the machine is that gets the tokens: our `ostiary.conditions.requesterLocations`, by named location.

Written like Graph's `locations`; at a redemption and a refresh the address that asks, at a claim the one that asked for
the code.
"""

from typing import Any

from ostiary.core.access.conditions import locations
from ostiary.core.access.facts import Facts
from ostiary.core.access.sides import Keys, Problem, Sides

NAME = "requesterLocations"
REQUIRED = False
UNKNOWN_IS_NONE = False


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """As Graph's `locations`."""
    return locations.read(value, path, problems)


def keys(facts: Facts) -> Keys:
    """The named locations of the requester's place."""
    return locations.keys_of(facts.requester)
