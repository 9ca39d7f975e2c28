"""
Whether one value meets a filter: for lists that are small and held in memory, by the rules of `store/ask.py`.

What is null equals nothing but null, and is unequal to everything else, as OData has it.
"""

from collections.abc import Callable
from typing import Any

from ostiary.core.graph.query import And, Compare, Contains, Expression, Not, Or, StartsWith, Value

__all__ = ["matches"]

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


def matches(expression: Expression, value_of: Callable[[str], Any]) -> bool:
    """Whether what *value_of* tells of each column meets *expression*."""
    match expression:
        case And(left, right):
            return matches(left, value_of) and matches(right, value_of)
        case Or(left, right):
            return matches(left, value_of) or matches(right, value_of)
        case Not(inner):
            return not matches(inner, value_of)
        case StartsWith(column, value, folded):
            text = value_of(column)
            return isinstance(text, str) and _fold(text, folded).startswith(_fold(value, folded))
        case Contains(column, value):
            return value in (value_of(column) or ())
        case Compare(column, op, value, folded):
            return _compared(value_of(column), op, value, folded)


def _compared(found: Any, op: str, value: Value, folded: bool) -> bool:
    if op in ("eq", "ne"):
        same = (found is None) == (value is None) and _fold(found, folded) == _fold(value, folded)
        return same is (op == "eq")
    alike = found is not None and type(found) is type(value)
    return alike and _ORDERED[op](_fold(found, folded), _fold(value, folded))


def _fold(value: Any, folded: bool) -> Any:
    return value.casefold() if folded and isinstance(value, str) else value
