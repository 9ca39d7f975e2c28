"""
What is asked of the sign-in log, as conditions that all must hold: from a filter's expression to columns and values.

Supported are comparisons joined by `and`, and `or` (or `in`) between equalities of one property. What Graph asks by
words that we do not keep is said in those that we do: a transfer method and an event type are protocols here.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ostiary.core.graph.query import And, Compare, Contains, Expression, Or, StartsWith
from ostiary.core.logs.telling import Outcome, Protocol

__all__ = ["ENDLESS", "MOST_VALUES", "NOTHING", "Between", "Condition", "Place", "between", "conditions"]

MOST_VALUES = 20
"""Of one property in one filter: each is a walk of its own along an index."""
ENDLESS = 2**63 - 1

EVENTS: Mapping[str, tuple[str, ...]] = {
    "interactiveUser": (Protocol.DEVICE_CODE, Protocol.AUTHORIZATION_CODE, Protocol.NONE),
    "nonInteractiveUser": (Protocol.REFRESH,),
    "servicePrincipal": (Protocol.OAUTH2,),
}
"""Graph's `signInEventTypes` by what signed in; managed identities do not happen here."""
TRANSFERS: Mapping[str, tuple[str, ...]] = {
    "deviceCodeFlow": (Protocol.DEVICE_CODE,),
    "none": tuple(each for each in Protocol if each is not Protocol.DEVICE_CODE),
}
"""Graph's `originalTransferMethod`."""


class Condition(NamedTuple):
    """One condition. A column that may be null is not equal to anything when it is."""

    column: str
    op: str
    """eq (any of the values) ne gt ge lt le starts."""
    values: tuple[str | int | None, ...]


NOTHING = Condition("id", "eq", ("",))  # no sign-in has the empty id


class Place(NamedTuple):
    """A row's place in the log: its time and id."""

    at: int
    id: str


class Between(NamedTuple):
    """A stretch of the log, both ends outside."""

    above: Place = Place(-1, "")
    below: Place = Place(ENDLESS, "~")


def conditions(expression: Expression | None) -> list[Condition] | None:
    """What *expression* asks; None when it is more than is supported."""
    found: list[Condition] = []
    for each in _joined(expression):
        one = _one(each)
        if one is None or len(one.values) > MOST_VALUES:
            return None
        found.append(_said(one))
    return found


def _joined(expression: Expression | None) -> Iterator[Expression]:
    if isinstance(expression, And):
        yield from _joined(expression.left)
        yield from _joined(expression.right)
    elif expression is not None:
        yield expression


def _one(expression: Expression) -> Condition | None:
    match expression:
        case Compare(column, op, value):
            return Condition(column, op, (value,))
        case StartsWith(column, value):
            return Condition(column, "starts", (value,))
        case Contains(column, value):
            return Condition(column, "eq", (value,))
        case Or(left, right):
            one, other = _one(left), _one(right)
            if one is None or other is None or (one.column, one.op, "eq") != (other.column, other.op, one.op):
                return None
            return one._replace(values=tuple(dict.fromkeys((*one.values, *other.values))))
    return None


def _said(condition: Condition) -> Condition:
    """*condition* in columns that there are."""
    column, op, values = condition
    words = {"events": EVENTS, "transfer": TRANSFERS}.get(column)
    if words is not None:
        asked = {protocol for value in values for protocol in words.get(str(value), ())}
        kept = asked if op == "eq" else set(Protocol) - asked if op == "ne" else set()
        return Condition("protocol", "eq", tuple(sorted(kept))) if kept else NOTHING
    if (column, op, values) == ("error", "ne", (0,)):  # the log's most usual question has an index that answers it
        return Condition("outcome", "eq", (Outcome.FAILURE.value, Outcome.PENDING.value))
    return condition


def between(asked: list[Condition]) -> tuple[Between, list[Condition]]:
    """The stretch of time that *asked* names, and the conditions that are none of time."""
    above, below = Between()
    others = []
    for condition in asked:
        at = condition.values[0]
        if (
            condition.column != "started"
            or condition.op not in _ENDS
            or not isinstance(at, int)
            or condition.values[1:]
        ):
            others.append(condition)
            continue
        low, high = _ENDS[condition.op]
        above = max(above, Place(at, low)) if low is not None else above
        below = min(below, Place(at, high)) if high is not None else below
    return Between(above, below), others


# before and after every id of that instant
_ENDS: Mapping[str, tuple[str | None, str | None]] = {
    "ge": ("", None), "gt": ("~", None), "lt": (None, ""), "le": (None, "~"), "eq": ("", "~"),
}  # fmt: skip
