"""
Lists that callers filter, sort and page through: one query value (`core/graph/query.py`) to one statement.

A *source* says which columns may be asked about; nothing of a caller's text becomes SQL, only values of parameters. A
page goes on where the one before ended (a keyset), so a long list costs the same on each page. What is null equals
nothing but null, and is unequal to everything else, as OData has it.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal, not_, or_, select

from ostiary.core.graph.query import And, Compare, Contains, Expression, Not, Or, Order, Page, Query, StartsWith
from ostiary.store import Row, Tx
from ostiary.store.sql import sql

__all__ = ["Source", "ask"]

T = TypeVar("T")
Column = ColumnElement[Any]

_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """What a list is taken from."""

    statement: Select[Any]
    """Every column that `value` reads, without order or limit; its named parameters are given to `ask`."""
    columns: Mapping[str, Column]
    """What may be asked about, by the names that fields call it."""
    key: Column
    """Unique text that breaks ties."""
    order: Order
    value: Callable[[Row], T]


async def ask(tx: Tx, source: Source[T], query: Query, /, **values: object) -> Page[T] | None:
    """One page of what *query* asks of *source*; None when its cursor belongs to another list."""
    order = query.order or source.order
    column = source.columns[order.column]
    narrowed = source.statement
    if query.filter is not None:
        narrowed = narrowed.where(_condition(source.columns, query.filter))
    paged = narrowed
    if query.after is not None:
        place = _place(column, query.after)
        if place is None:
            return None
        paged = paged.where(_beyond(column, source.key, order.descending, *place))
    paged = paged.add_columns(column.label("sorted"), source.key.label("place"))
    paged = paged.order_by(column.desc() if order.descending else column.asc(), source.key.asc()).limit(query.top + 1)
    rows = await tx.all(sql(paged), **values)
    shown = rows[: query.top]
    more = (shown[-1][-2], shown[-1][-1]) if len(rows) > query.top else None
    count = await _count(tx, narrowed, values) if query.count else None
    return Page(tuple(source.value(row[:-2]) for row in shown), more, count)


async def _count(tx: Tx, narrowed: Select[Any], values: Mapping[str, object]) -> int:
    row = await tx.one(sql(select(func.count()).select_from(narrowed.subquery())), **values)
    return int(row[0]) if row else 0


def _place(column: Column, after: tuple[str | int | None, ...]) -> tuple[str | int, str] | None:
    """The cursor's two parts, if they are such as this list gives."""
    wanted = str if isinstance(column.type, Text) else int
    if len(after) != 2 or type(after[0]) is not wanted or not isinstance(after[1], str):
        return None
    return (after[0], after[1]) if isinstance(after[0], str | int) else None


def _beyond(column: Column, key: Column, descending: bool, value: str | int, place: str) -> Column:
    further = column < value if descending else column > value
    return or_(further, and_(column == value, key > place))


def _condition(columns: Mapping[str, Column], expression: Expression, negated: bool = False) -> Column:
    """*expression* as a condition; `not` is carried down to the comparisons, where null is looked after."""
    match expression:
        case Not(inner):
            return _condition(columns, inner, not negated)
        case And(left, right) | Or(left, right):
            join = and_ if isinstance(expression, And) is not negated else or_
            return join(_condition(columns, left, negated), _condition(columns, right, negated))
        case Compare() | StartsWith() | Contains():
            column = columns[expression.column]
            met = _leaf(column, expression)
            return (
                or_(not_(met), column.is_(None)) if negated and not _about_null(expression) else _turned(met, negated)
            )


def _about_null(expression: Expression) -> bool:
    """Whether the comparison is true or false of a null, and never null itself."""
    return isinstance(expression, Compare) and (expression.value is None or expression.op == "ne")


def _turned(met: Column, negated: bool) -> Column:
    return not_(met) if negated else met


def _leaf(column: Column, expression: Compare | StartsWith | Contains) -> Column:
    match expression:
        case Contains(_, value):  # a JSON array of plain words
            return column.like(f'%"{_escaped(value)}"%', escape=_ESCAPE)
        case StartsWith(_, value, folded):
            pattern = f"{_escaped(value)}%"
            if folded:
                return func.lower(column).like(func.lower(literal(pattern)), escape=_ESCAPE)
            return func.substr(column, 1, len(value)) == value
        case Compare(_, op, None, _):
            return column.is_(None) if op == "eq" else column.is_not(None)
        case Compare(_, op, value, folded):
            plain = int(value) if isinstance(value, bool) else value
            if folded:
                return _COMPARISONS[op](func.lower(column), func.lower(literal(plain)))
            return _COMPARISONS[op](column, plain)


_COMPARISONS: Mapping[str, Callable[[Column, Any], Column]] = {
    "eq": operator.eq,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")
