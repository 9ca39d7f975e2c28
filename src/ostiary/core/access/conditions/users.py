"""
Who is signing in: Graph's `users` condition, by person and by group.

Exclude beats include. The exception group is a member's only while an active exemption admits the sign-in
(`facts.groups`).
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, Sides, members, texts

NAME = "users"
REQUIRED = True
_FIELDS = ("includeUsers", "excludeUsers", "includeGroups", "excludeGroups")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Ids of people and groups; `All` and `None` among the included people, as Graph writes them."""
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
        | {f"group:{id}" for id in inside},
        exclude=frozenset(f"user:{id}" for id in out) | {f"group:{id}" for id in outside},
    )


def keys(facts: Facts) -> frozenset[str] | Unknown:
    """The person and their groups; unknown when either is."""
    if isinstance(facts.user, Unknown) or isinstance(facts.groups, Unknown):
        return UNKNOWN
    return frozenset({f"user:{facts.user}", *(f"group:{id}" for id in facts.groups)})
