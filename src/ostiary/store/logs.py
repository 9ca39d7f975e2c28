"""
The journal and what readers keep beside it: streams, entries, cursors, stories.
"""

from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, select, update

from ostiary.core.logs.canonical import canonical
from ostiary.core.logs.entry import Entry, Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.merkle import leaf_hash
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.store import Row, Tx
from ostiary.store.schema import cursors, journal, streams
from ostiary.store.sql import sql

ADD = sql(
    insert(journal).values(
        {
            name: bindparam(name)
            for name in ("stream", "number", "kind", "at", "story", "actor", "target", "body", "leaf")
        }
    )
)
_OPEN_STREAM = sql(insert(streams).values(stream=bindparam("stream"), head=0))
_HAS_STREAM = sql(select(streams.c.head).where(streams.c.stream == bindparam("stream")))
ENTRIES = select(
    journal.c.position,
    journal.c.stream,
    journal.c.number,
    journal.c.kind,
    journal.c.at,
    journal.c.story,
    journal.c.actor,
    journal.c.target,
    journal.c.body,
)
"""Rows for `recorded`."""
_SINCE = sql(
    ENTRIES.where(journal.c.position > bindparam("after")).order_by(journal.c.position).limit(bindparam("most"))
)
_NEXT = (
    select(journal.c.position, journal.c.kind)
    .where(journal.c.position > bindparam("after"))
    .order_by(journal.c.position)
    .limit(bindparam("most"))
    .subquery()
)
_KINDS = sql(select(_NEXT.c.kind, func.max(_NEXT.c.position), func.count()).group_by(_NEXT.c.kind))
_NEWEST = sql(select(journal.c.at).order_by(journal.c.position.desc()).limit(1))
_AHEAD = (
    select(journal.c.position)
    .where(journal.c.position > bindparam("after"))
    .order_by(journal.c.position)
    .limit(bindparam("most"))
    .subquery()
)
_REACH = sql(select(func.max(_AHEAD.c.position)))
_LAST = sql(select(journal.c.position).order_by(journal.c.position.desc()).limit(1))
_HAPPENED = sql(
    select(journal.c.position)
    .where(journal.c.story == bindparam("story"), journal.c.kind == bindparam("kind"))
    .order_by(journal.c.position)
    .limit(1)
)
_CURSOR = sql(select(cursors.c.position).where(cursors.c.reader == bindparam("reader")))
_NEW_CURSOR = sql(insert(cursors).values(reader=bindparam("reader"), position=bindparam("position")))
_MOVE = sql(
    update(cursors)
    .where(cursors.c.reader == bindparam("reader_"), cursors.c.position == bindparam("seen"))
    .values(position=bindparam("position"))
)


async def append(tx: Tx, visit: Visit, entry: Entry, *, number: int | None = None) -> None:
    """
    Add *entry* to this node's stream with the next gapless number and its leaf hash (R15); *number*: it was taken
    before (`Tx.number`).

    The number is the transaction's: rolled back with it, and no lock beyond the stream's own row.
    """
    number = number or await tx.number()
    body = canonical(entry, visit, stream=tx.stream, number=number, salt=tx.salt())
    await tx.run(
        ADD, stream=tx.stream, number=number, kind=entry.kind.value, at=visit.now, story=entry.story or visit.id,
        actor=visit.caller.actor, target=entry.target, body=body.decode(), leaf=leaf_hash(body),
    )  # fmt: skip


async def open_stream(tx: Tx, stream: str) -> None:
    """Make the row of *stream* if there is none."""
    if await tx.one(_HAS_STREAM, stream=stream) is None:
        await tx.run(_OPEN_STREAM, stream=stream)


def recorded(row: Row) -> Recorded:
    """One journal row as a value."""
    position, stream, number, kind, at, story, actor, target, body = row
    content: dict[str, Any] = orjson.loads(body)
    return Recorded(position, stream, number, kind, Instant(at), story, actor, target, content)


async def since(tx: Tx, after: int, most: int) -> list[Recorded]:
    """Up to *most* entries after position *after*, oldest first."""
    return [recorded(row) for row in await tx.all(_SINCE, after=after, most=most)]


async def kinds_since(tx: Tx, after: int, most: int) -> tuple[frozenset[str], int, int]:
    """Of the next *most* entries after *after*: their kinds, the last one's position (or *after*), and how many."""
    rows = await tx.all(_KINDS, after=after, most=most)
    last = max((int(row[1]) for row in rows), default=after)
    return frozenset(row[0] for row in rows), last, sum(int(row[2]) for row in rows)


async def reach(tx: Tx, after: int, most: int) -> int:
    """The position of the last of the next *most* entries after *after*; *after* where there is none."""
    row = await tx.one(_REACH, after=after, most=most)
    return int(row[0]) if row is not None and row[0] is not None else after


async def head(tx: Tx) -> int:
    """The position of the last entry; 0 without any."""
    row = await tx.one(_LAST)
    return int(row[0]) if row else 0


async def where(tx: Tx, reader: str) -> int | None:
    """How far *reader* has come; None: it never read."""
    row = await tx.one(_CURSOR, reader=reader)
    return None if row is None else int(row[0])


async def join(tx: Tx, reader: str) -> int:
    """As `cursor`; a new reader hears what is written from now on."""
    found = await where(tx, reader)
    if found is not None:
        return found
    last = await head(tx)
    await tx.run(_NEW_CURSOR, reader=reader, position=last)
    return last


async def newest(tx: Tx) -> Instant:
    """When the newest entry was written; 0 without any."""
    row = await tx.one(_NEWEST)
    return Instant(row[0]) if row else Instant(0)


async def happened(tx: Tx, story: str, kind: Kind) -> bool:
    """Whether *story* has an entry of *kind*."""
    return await tx.one(_HAPPENED, story=story, kind=kind.value) is not None


async def cursor(tx: Tx, reader: str) -> int:
    """How far *reader* has come; a new reader starts at 0."""
    found = await where(tx, reader)
    if found is None:
        await tx.run(_NEW_CURSOR, reader=reader, position=0)
    return found or 0


async def move_cursor(tx: Tx, reader: str, *, seen: int, position: int) -> bool:
    """Compare-and-swap: False when another run moved it meanwhile."""
    return await tx.run(_MOVE, reader_=reader, seen=seen, position=position) == 1
