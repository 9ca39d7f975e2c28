"""
Who is signing in: Graph's `users` condition, by person, group and role.

Exclude beats include. `All` is everybody who gets tokens, workloads too (`client_applications`). The exception group is
a member's only while an active exemption admits the sign-in (`facts.groups`). Guests do not exist here.
"""

from collections.abc import Iterable
from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Keys, Problem, Sides, members, texts
from ostiary.core.directory.people import Role

NAME = "users"
REQUIRED = True
UNKNOWN_IS_NONE = False
_FIELDS = ("includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles")
_ROLES = {**{role.value: role for role in Role}, "62e90394-69f5-4237-9190-012177145e10": Role.ADMINISTRATOR}
"""Our names, and Entra's template id of the Global Administrator."""


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Ids of people and groups, names of roles; `All` and `None` among the included people, as Graph writes them."""
    given = members(value, path, _FIELDS, problems)
    people = texts(given.get("includeUsers"), f"{path}.includeUsers", problems)
    out = texts(given.get("excludeUsers"), f"{path}.excludeUsers", problems)
    for name, ids in (("includeUsers", people), ("excludeUsers", out)):
        if "GuestsOrExternalUsers" in ids:
            problems.append(Problem(f"{path}.{name}", "guests do not exist here"))
    if "All" in out:
        problems.append(Problem(f"{path}.excludeUsers", "excluding everybody is not a policy"))
    inside = texts(given.get("includeGroups"), f"{path}.includeGroups", problems)
    outside = texts(given.get("excludeGroups"), f"{path}.excludeGroups", problems)
    return Sides(
        everyone="All" in people,
        include=frozenset(f"user:{id}" for id in people if id not in ("All", "None"))
        | {f"group:{id}" for id in inside}
        | _roles(given.get("includeRoles"), f"{path}.includeRoles", problems),
        exclude=frozenset(f"user:{id}" for id in out)
        | {f"group:{id}" for id in outside}
        | _roles(given.get("excludeRoles"), f"{path}.excludeRoles", problems),
    )


def _roles(value: Any, path: str, problems: list[Problem]) -> frozenset[str]:
    names = texts(value, path, problems)
    problems.extend(Problem(path, f"{name[:40]} is not a role here") for name in names if name not in _ROLES)
    return frozenset(f"role:{_ROLES[name]}" for name in names if name in _ROLES)


def keys(facts: Facts) -> Keys:
    """The person, their groups and roles; unknown when one of them is; none of a workload."""
    if facts.user is None:
        return frozenset()
    if isinstance(facts.user, Unknown) or isinstance(facts.groups, Unknown) or isinstance(facts.roles, Unknown):
        return UNKNOWN
    return keys_of(facts.user, facts.groups, facts.roles)


def keys_of(user: str, groups: Iterable[str], roles: Iterable[str]) -> frozenset[str]:
    """The same of a known person."""
    return frozenset((f"user:{user}", *(f"group:{id}" for id in groups), *(f"role:{role}" for role in roles)))
