"""
Which workloads: Graph's `clientApplications` condition, over sign-ins that have no person.

A policy that includes some by it is about workloads only, whatever its `users` say beside it (Entra writes `None`
there). One that only excludes some is about all others whom its `users` mean; `All` are people and workloads.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Keys, Problem, Sides, members, texts

NAME = "clientApplications"
REQUIRED = False
UNKNOWN_IS_NONE = False
EVERY = "ServicePrincipalsInMyTenant"
_FIELDS = ("includeServicePrincipals", "excludeServicePrincipals")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Object ids of applications, or all of them; with nothing included, everybody but those that are excluded."""
    given = members(value, path, _FIELDS, problems)
    inside = texts(given.get(_FIELDS[0]), f"{path}.{_FIELDS[0]}", problems)
    outside = texts(given.get(_FIELDS[1]), f"{path}.{_FIELDS[1]}", problems)
    return Sides(not inside, frozenset(inside), frozenset(outside))


def keys(facts: Facts) -> Keys:
    """The workload by its application's object id; a person's sign-in has none."""
    if isinstance(facts.service_principal, Unknown):
        return UNKNOWN
    return frozenset() if facts.service_principal is None else frozenset({EVERY, facts.service_principal})
