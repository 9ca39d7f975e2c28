"""
Pages of the sign-in log: each walks along one index, in the order in which it is shown, and looks at a bounded number
of rows.

Of several conditions that have an index the one is followed whose `LOOK`-th row lies farthest away: that is the rarest
one, found without statistics. The rows up to there are held against the other conditions; a page may so be shorter than
asked, or empty, and still go on (Graph's pages may, too). Nothing is scanned, nothing is sorted, nothing is skipped.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, tuple_

from ostiary.core.graph.signin_filter import Between, Condition, Place
from ostiary.core.logs.story import Story, from_document
from ostiary.store import Tx
from ostiary.store.keyed import keyed, rows_of
from ostiary.store.schema import stories
from ostiary.store.sql import Sql, sql

__all__ = ["COUNTED", "INDEXED", "LOOK", "Found", "count", "page"]

INDEXED = (
    "id", "user", "exemption", "requester", "approver", "error", "client", "resource", "access", "outcome", "protocol",
)  # fmt: skip
"""Columns with an index of their own, `stories_<name>`; where two go equally far the first is followed."""
LOOK = 2_000
"""Rows that one page looks at, where not every one is shown."""
COUNTED = 100_000
"""Rows that are counted, along an index alone."""

Signature = tuple[tuple[str, str, int, bool], ...]
"""Conditions without their values: column, comparison, how many values, whether the one value is null."""


class Found(NamedTuple):
    """What a page looked at."""

    stories: Iterator[Story]
    """Each is read when it is its turn: a thousand of them at once would lie far apart in memory."""
    more: Place | None
    """Where the next one begins; None: there is nothing behind it."""


# ---- statements


def _within(driver: str, rising: bool) -> list[ColumnElement[bool]]:
    """From a place on, which is not among them, to another, which is."""
    at = tuple_(stories.c.started, stories.c.id)
    start, end = tuple_(bindparam("start_at"), bindparam("start_id")), tuple_(bindparam("end_at"), bindparam("end_id"))
    along = [at > start, at <= end] if rising else [at < start, at >= end]
    return [stories.c[driver] == bindparam("driver"), *along] if driver else along


def _along(statement: Select[Any], rising: bool) -> Select[Any]:
    at, id = stories.c.started, stories.c.id
    return statement.order_by(at.asc(), id.asc()) if rising else statement.order_by(at.desc(), id.desc())


def _by_index(statement: Select[Any], driver: str) -> Sql:
    """Along the index of *driver* and no other: SQLite's planner has no statistics here, and would guess."""
    compiled = sql(statement)
    index = "sqlite_autoindex_stories_1" if driver == "id" else f"stories_{driver or 'started'}"
    before, _, behind = compiled.sqlite.partition("FROM stories")
    return replace(compiled, sqlite=f"{before}FROM stories INDEXED BY {index}{behind}")


@lru_cache(maxsize=256)
def page_sql(driver: str, others: Signature, *, rising: bool) -> Sql:
    """Places of the stories of one walk along the index of *driver* (empty: by time alone) that meet *others*."""
    wheres = [*_within(driver, rising), *_conditions(others)]
    statement = select(stories.c.started, stories.c.id).where(*wheres)
    return _by_index(_along(statement, rising).limit(bindparam("most")), driver)


_STORIES = keyed(select(stories.c.id, stories.c.story))


@lru_cache(maxsize=64)
def reach_sql(driver: str, *, rising: bool) -> Sql:
    """Where the *look*-th row of such a walk is: its index alone is read."""
    statement = select(stories.c.started, stories.c.id).where(*_within(driver, rising))
    return _by_index(_along(statement, rising).limit(1).offset(bindparam("look")), driver)


@lru_cache(maxsize=256)
def count_sql(driver: str, others: Signature) -> Sql:
    """How many rows of such a walk meet *others*, up to *most*."""
    wheres = [*_within(driver, False), *_conditions(others)]
    rows = _along(select(stories.c.id).where(*wheres), False).limit(bindparam("most")).subquery()
    return _by_index(select(func.count()).select_from(rows), driver)


def _conditions(asked: Signature) -> list[ColumnElement[bool]]:
    """Parameters ``v0_0``, ``v0_1``, … for the first condition, and so on."""
    return [_condition(number, *one) for number, one in enumerate(asked)]


def _condition(number: int, name: str, op: str, many: int, null: bool) -> ColumnElement[bool]:
    column = stories.c[name]
    if null:
        return column.is_(None) if op == "eq" else column.is_not(None)
    values: list[ColumnElement[Any]] = [bindparam(f"v{number}_{each}") for each in range(many)]
    match op:
        case "eq":
            return column == values[0] if many == 1 else or_(*(column == value for value in values))
        case "ne":
            return or_(column != values[0], column.is_(None))
        case "gt":
            return column > values[0]
        case "ge":
            return column >= values[0]
        case "lt":
            return column < values[0]
        case "le":
            return column <= values[0]
        case "starts":  # LIKE would fold case, and read what a pattern means
            return and_(column >= values[0], column < values[0].concat("\U0010ffff"))
    raise ValueError(f"no such comparison: {op}")


def signature(conditions: Iterable[Condition]) -> Signature:
    """What of *conditions* makes another statement."""
    return tuple((each.column, each.op, len(each.values), each.values == (None,)) for each in conditions)


def _values(conditions: Iterable[Condition]) -> dict[str, object]:
    return {
        f"v{number}_{place}": value
        for number, each in enumerate(conditions)
        for place, value in enumerate(each.values)
        if value is not None
    }


# ---- pages


class _Walk(NamedTuple):
    """One index to follow, from which value of its column, and what else must hold."""

    column: str
    values: tuple[object, ...]
    others: tuple[Condition, ...]


def _walks(conditions: Sequence[Condition]) -> list[_Walk]:
    """Each way to answer *conditions*."""
    found = [
        _Walk(each.column, each.values, tuple(other for other in conditions if other is not each))
        for name in INDEXED
        for each in conditions
        if each.column == name and each.op == "eq" and None not in each.values
    ]
    return found or [_Walk("", (None,), tuple(conditions))]


async def page(tx: Tx, conditions: Sequence[Condition], within: Between, *, most: int, rising: bool = False) -> Found:
    """Up to *most* stories of that stretch that meet *conditions*, by their start, the latest first unless *rising*."""
    walk, reach = await _rarest(tx, _walks(conditions), within, rising)
    values = _ends(within, rising, reach) | _values(walk.others)
    statement = page_sql(walk.column, signature(walk.others), rising=rising)
    places: list[Place] = []
    for value in walk.values:
        own = {"driver": value} if walk.column else {}
        places += [Place(*row) for row in await tx.all(statement, **values, **own, most=most + 1)]
    places.sort(reverse=not rising)
    shown = [place.id for place in places[:most]]
    found = await rows_of(tx, _STORIES, shown)
    told = (from_document(orjson.loads(found[id][1])) for id in shown if id in found)
    return Found(told, places[most - 1] if len(places) > most else reach)


async def count(tx: Tx, conditions: Sequence[Condition], within: Between) -> int | None:
    """How many there are; None: more than are looked at for it."""
    walk, reach = await _rarest(tx, _walks(conditions), within, False)
    if reach is not None:
        return None
    statement, found = count_sql(walk.column, signature(walk.others)), 0
    for value in walk.values:
        own = {"driver": value} if walk.column else {}
        row = await tx.one(statement, **_ends(within, False, None), **_values(walk.others), **own, most=COUNTED + 1)
        found += int(row[0]) if row else 0
    return found if found <= COUNTED else None


async def _rarest(tx: Tx, walks: list[_Walk], within: Between, rising: bool) -> tuple[_Walk, Place | None]:
    """The walk that goes farthest with `LOOK` rows, and where it must stop; None: it reaches the end."""
    best: tuple[_Walk, Place] | None = None
    for walk in walks:
        reach = await _reach(tx, walk, within, rising) if walk.others else None
        if reach is None:
            return walk, None
        if best is None or (reach > best[1] if rising else reach < best[1]):
            best = walk, reach
    assert best is not None  # there is at least one walk
    return best


async def _reach(tx: Tx, walk: _Walk, within: Between, rising: bool) -> Place | None:
    """Where the first of its values has had its share of the rows that are looked at."""
    found: list[Place] = []
    for value in walk.values:
        own = {"driver": value} if walk.column else {}
        look = LOOK // len(walk.values) - 1
        row = await tx.one(reach_sql(walk.column, rising=rising), **_ends(within, rising, None), **own, look=look)
        if row is not None:
            found.append(Place(*row))
    return (min(found) if rising else max(found)) if found else None


def _ends(within: Between, rising: bool, reach: Place | None) -> dict[str, object]:
    """Where the walk begins and ends. A bound of time is no row's place, so that it may count as one."""
    start, end = (within.above, within.below) if rising else (within.below, within.above)
    end = reach or end
    return {"start_at": start.at, "start_id": start.id, "end_at": end.at, "end_id": end.id}
