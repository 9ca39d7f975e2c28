"""
Refreshes, given and refused, as the journal has them: pages along their own index, a bounded number of entries each.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_

from ostiary.core.logs.entry import Recorded
from ostiary.store import Tx
from ostiary.store.logs import ENTRIES, recorded
from ostiary.store.schema import journal
from ostiary.store.schema_logs import REFRESHES
from ostiary.store.sql import Sql, sql

__all__ = ["LOOK", "Found", "Stretch", "page"]

LOOK = 5_000
"""Entries that one page looks at: most of them only for whether a text is in them."""
ENDLESS = 2**63 - 1


class Stretch(NamedTuple):
    """Of the journal, by time and position, both ends outside."""

    above: tuple[int, int] = (-1, -1)
    below: tuple[int, int] = (ENDLESS, ENDLESS)


class Found(NamedTuple):
    """What a page looked at."""

    entries: list[Recorded]
    more: tuple[int, int] | None
    """Where the next one begins; None: there is nothing behind it."""


def _within(rising: bool) -> list[ColumnElement[bool]]:
    at = tuple_(journal.c.at, journal.c.position)
    start, end = tuple_(bindparam("start_at"), bindparam("start")), tuple_(bindparam("end_at"), bindparam("end"))
    return [REFRESHES, *([at > start, at <= end] if rising else [at < start, at >= end])]  # type: ignore[list-item]


def _by_index(statement: Select[Any], rising: bool) -> Sql:
    at, position = journal.c.at, journal.c.position
    order = (at.asc(), position.asc()) if rising else (at.desc(), position.desc())
    compiled = sql(statement.order_by(*order))
    before, _, behind = compiled.sqlite.partition("FROM journal")
    return replace(compiled, sqlite=f"{before}FROM journal INDEXED BY journal_refreshes{behind}")


@lru_cache(maxsize=32)
def page_sql(texts: int, *, rising: bool) -> Sql:
    """Entries of one stretch in which every one of so many texts stands."""
    holds = [func.instr(journal.c.body, bindparam(f"text{number}")) > 0 for number in range(texts)]
    return _by_index(ENTRIES.where(*_within(rising), *holds).limit(bindparam("most")), rising)


@lru_cache(maxsize=2)
def reach_sql(*, rising: bool) -> Sql:
    """Where the *look*-th entry of a stretch is."""
    statement = select(journal.c.at, journal.c.position).where(*_within(rising))
    return _by_index(statement.limit(1).offset(bindparam("look")), rising)


async def page(tx: Tx, texts: Sequence[str], within: Stretch, *, most: int, rising: bool) -> Found:
    """Up to *most* refreshes of that stretch whose entries hold all *texts*, the latest first unless *rising*."""
    start, end = (within.above, within.below) if rising else (within.below, within.above)
    given = {"start_at": start[0], "start": start[1]}
    row = await tx.one(reach_sql(rising=rising), **given, end_at=end[0], end=end[1], look=LOOK - 1)
    reach = None if row is None else (int(row[0]), int(row[1]))
    stop = reach or end
    holds = {f"text{number}": text for number, text in enumerate(texts)}
    statement = page_sql(len(texts), rising=rising)
    rows = await tx.all(statement, **given, end_at=stop[0], end=stop[1], most=most + 1, **holds)
    entries = [recorded(row) for row in rows[:most]]
    return Found(entries, (entries[-1].at, entries[-1].position) if len(rows) > most else reach)
