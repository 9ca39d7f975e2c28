"""
On what system the person's browser runs: Graph's `platforms`.

A weak fact: it comes from the user agent, and anybody can say anything. An agent that names no system is unknown, so
that under enforcement leaving it out evades no block and earns no exclusion.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Keys, Problem, Sides, chosen, members

NAME = "platforms"
REQUIRED = False
UNKNOWN_IS_NONE = True
"""
Entra: a platform that it does not recognise matches "any device" and no platform by name
(https://learn.microsoft.com/entra/identity/conditional-access/policy-all-users-device-unknown-unsupported).
"""
_KNOWN = ("android", "iOS", "windows", "windowsPhone", "macOS", "linux", "all")
_MARKS = (
    ("Windows Phone", "windowsPhone"), ("Windows", "windows"), ("Android", "android"), ("iPhone", "iOS"),
    ("iPad", "iOS"), ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Darwin", "macOS"), ("Linux", "linux"),
)  # fmt: skip


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Names of systems; `all` includes every sign-in."""
    given = members(value, path, ("includePlatforms", "excludePlatforms"), problems)
    inside = chosen(given.get("includePlatforms"), f"{path}.includePlatforms", _KNOWN, "a platform", problems)
    outside = chosen(given.get("excludePlatforms"), f"{path}.excludePlatforms", _KNOWN, "a platform", problems)
    if "all" in outside:
        problems.append(Problem(f"{path}.excludePlatforms", "excluding every platform is not a policy"))
    if not inside:
        problems.append(Problem(f"{path}.includePlatforms", "must name a platform, or all"))
    return Sides("all" in inside, frozenset(inside) - {"all"}, frozenset(outside))


def keys(facts: Facts) -> Keys:
    """The system."""
    return UNKNOWN if isinstance(facts.platform, Unknown) else frozenset({facts.platform})


def platform_of(agent: str) -> str | Unknown:
    """What *agent* says that it runs on."""
    return next((name for mark, name in _MARKS if mark in agent), UNKNOWN)
