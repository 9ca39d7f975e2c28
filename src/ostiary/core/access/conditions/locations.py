"""
Where the person signs in: Graph's `locations`, by named location.

The place is the browser's in which the person approved; at a refresh of a device sign-in still that one. Where the
machine is says our own `requesterLocations`.
"""

from typing import Any

from ostiary.core.access.facts import TRUSTED, Facts, Place, Unknown
from ostiary.core.access.sides import Keys, Perhaps, Problem, Sides, members, texts

NAME = "locations"
REQUIRED = False
UNKNOWN_IS_NONE = False
MFA_TRUSTED = "00000000-0000-0000-0000-000000000000"
"""Entra's "multifactor authentication trusted IPs", a list that does not exist here."""


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Ids of named locations; `All` includes every sign-in, `AllTrusted` those from a location marked as trusted."""
    given = members(value, path, ("includeLocations", "excludeLocations"), problems)
    inside = texts(given.get("includeLocations"), f"{path}.includeLocations", problems)
    outside = texts(given.get("excludeLocations"), f"{path}.excludeLocations", problems)
    if "All" in outside:
        problems.append(Problem(f"{path}.excludeLocations", "excluding every location is not a policy"))
    if not inside:
        problems.append(Problem(f"{path}.includeLocations", "must name a location, All or AllTrusted"))
    for name, ids in (("includeLocations", inside), ("excludeLocations", outside)):
        if MFA_TRUSTED in ids:
            problems.append(Problem(f"{path}.{name}", "the trusted addresses of multifactor authentication are none"))
    return Sides("All" in inside, frozenset(inside) - {"All"}, frozenset(outside))


def keys(facts: Facts) -> Keys:
    """The named locations of the person's place."""
    return keys_of(facts.person)


def keys_of(place: Place) -> Keys:
    """The named locations of *place*, `AllTrusted` among them; those that turn on an unknown country are unsure."""
    if isinstance(place.named, Unknown):
        return place.named
    return Perhaps(place.named, place.unsure) if place.unsure else place.named


def special(id: str) -> bool:
    """Whether *id* is a word of Graph's rather than the id of a named location."""
    return id in ("All", TRUSTED, MFA_TRUSTED)
