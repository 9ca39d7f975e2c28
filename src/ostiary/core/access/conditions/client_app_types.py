"""
With what sort of client: Graph's `clientAppTypes`.

The legacy sorts (`exchangeActiveSync`, `easSupported`, `other`) may be named; no sign-in here is ever one of them.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import ANY, Keys, Problem, Sides, texts

NAME = "clientAppTypes"
REQUIRED = True
UNKNOWN_IS_NONE = False
_KNOWN = ("all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """A list of sorts."""
    sorts = texts(value, path, problems)
    problems.extend(Problem(path, f"{sort[:40]} is not a client app type") for sort in sorts if sort not in _KNOWN)
    return ANY if "all" in sorts else Sides(include=frozenset(sorts))


def keys(facts: Facts) -> Keys:
    """The client's sort."""
    return UNKNOWN if isinstance(facts.client_type, Unknown) else frozenset({facts.client_type})
