"""
How the sign-in travels: Graph's `authenticationFlows.transferMethods`, one comma-separated text in any order.

A session that began with a device code stays marked through refresh (Entra's protocol tracking), so the condition
goes on matching it.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import ANY, Keys, Problem, Sides, members

NAME = "authenticationFlows"
REQUIRED = False
UNKNOWN_IS_NONE = False
_METHODS = ("deviceCodeFlow", "authenticationTransfer")


def read(value: Any, path: str, problems: list[Problem]) -> Sides:
    """Null, an empty text and `none` all mean "not set"."""
    given = members(value, path, ("transferMethods",), problems)
    text = given.get("transferMethods")
    if text is not None and not isinstance(text, str):
        problems.append(Problem(f"{path}.transferMethods", "must be one text, e.g. deviceCodeFlow"))
        return ANY
    methods = frozenset(part.strip() for part in (text or "").split(",")) - {"", "none"}
    problems.extend(
        Problem(f"{path}.transferMethods", f"{method[:40]} is not a transfer method")
        for method in sorted(methods - {*_METHODS})
    )
    return Sides(include=methods) if methods else ANY


def keys(facts: Facts) -> Keys:
    """The transfer method; none for a sign-in in place."""
    if isinstance(facts.transfer_method, Unknown):
        return UNKNOWN
    return frozenset({facts.transfer_method} if facts.transfer_method else ())
