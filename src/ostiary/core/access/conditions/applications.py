"""
What the tokens are for: Graph's `applications` condition over target resources.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Keys, Problem, Sides, members, texts

NAME = "applications"
REQUIRED = True
UNKNOWN_IS_NONE = False
_FIELDS = ("includeApplications", "excludeApplications")
_FOREIGN = ("Office365", "MicrosoftAdminPortals")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Application ids; `All` and `None` among the included ones."""
    given = members(value, path, _FIELDS, problems)
    inside = texts(given.get("includeApplications"), f"{path}.includeApplications", problems)
    outside = texts(given.get("excludeApplications"), f"{path}.excludeApplications", problems)
    for name, ids in (("includeApplications", inside), ("excludeApplications", outside)):
        problems.extend(Problem(f"{path}.{name}", f"{id} does not exist here") for id in ids if id in _FOREIGN)
    if "All" in outside:
        problems.append(Problem(f"{path}.excludeApplications", "excluding everything is not a policy"))
    return Sides("All" in inside, frozenset(inside) - {"All", "None"}, frozenset(outside))


def keys(facts: Facts) -> Keys:
    """The resource."""
    return UNKNOWN if isinstance(facts.resource, Unknown) else frozenset({facts.resource})
