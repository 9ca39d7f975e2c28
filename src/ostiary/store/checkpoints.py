"""
The journal's Merkle tree as it is stored (R15): leaves in their order, checkpoints, and the keys that signed them.
"""

from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, exists, func, insert, select

from ostiary.core.logs.export_lines import Leaf
from ostiary.core.logs.merkle import EMPTY, HASH, Frontier
from ostiary.core.words.instants import Instant, Span
from ostiary.store import Row, Tx
from ostiary.store.schema import checkpoints, journal, log_keys, log_leaves, streams
from ostiary.store.sql import sql


class Sealed(NamedTuple):
    """One checkpoint with its tree."""

    tree: Frontier
    at: Instant
    note: str


class LogKey(NamedTuple):
    """A key of checkpoints; its private half is derived and never stored."""

    generation: int
    master: str
    """Id of the master key that it is derived from, hexadecimal."""
    key: str
    size: int
    at: Instant
    hand_over: str


_HEADS = sql(select(streams.c.stream, streams.c.head).order_by(streams.c.stream))
_NEXT = sql(
    select(func.min(journal.c.number)).where(
        journal.c.stream == bindparam("stream"), journal.c.number > bindparam("after")
    )
)
_TAKE = sql(
    insert(log_leaves).from_select(
        ["place", "stream", "number", "leaf"],
        select(
            bindparam("size") + func.row_number().over(order_by=journal.c.number) - 1,
            journal.c.stream,
            journal.c.number,
            journal.c.leaf,
        ).where(
            journal.c.stream == bindparam("stream"),
            journal.c.number >= bindparam("first"),
            journal.c.number < bindparam("until"),
        ),
    )
)
_HASHES = sql(
    select(log_leaves.c.leaf, log_leaves.c.number)
    .where(log_leaves.c.place >= bindparam("first"), log_leaves.c.place < bindparam("until"))
    .order_by(log_leaves.c.place)
)
_LINES = sql(
    select(log_leaves.c.place, log_leaves.c.leaf, log_leaves.c.stream, log_leaves.c.number, journal.c.body)
    .select_from(
        log_leaves.outerjoin(
            journal, (journal.c.stream == log_leaves.c.stream) & (journal.c.number == log_leaves.c.number)
        )
    )
    .where(log_leaves.c.place >= bindparam("first"), log_leaves.c.place < bindparam("until"))
    .order_by(log_leaves.c.place)
)
_SEALED = select(checkpoints.c.size, checkpoints.c.peaks, checkpoints.c.at, checkpoints.c.note)
_NEWEST = sql(_SEALED.order_by(checkpoints.c.size.desc()).limit(1))
_BEFORE = sql(
    _SEALED.where(checkpoints.c.at < bindparam("at")).order_by(checkpoints.c.at.desc(), checkpoints.c.size.desc())
    .limit(1)
)  # fmt: skip
_AFTER = sql(_SEALED.where(checkpoints.c.at > bindparam("at")).order_by(checkpoints.c.at, checkpoints.c.size).limit(1))
_UPTO = sql(_SEALED.where(checkpoints.c.size <= bindparam("size")).order_by(checkpoints.c.size.desc()).limit(1))
_WITHIN = sql(
    select(checkpoints.c.size, checkpoints.c.note)
    .where(checkpoints.c.size > bindparam("first"), checkpoints.c.size <= bindparam("until"))
    .order_by(checkpoints.c.size)
)
_ADD = sql(
    insert(checkpoints).values(
        size=bindparam("size"), at=bindparam("at"), note=bindparam("note"), peaks=bindparam("peaks")
    )
)
_later = checkpoints.alias("later")
_THIN = sql(
    delete(checkpoints).where(
        checkpoints.c.at < bindparam("before"),
        exists(
            select(_later.c.size).where(
                _later.c.size > checkpoints.c.size,
                _later.c.at < checkpoints.c.at - checkpoints.c.at % bindparam("each") + bindparam("each"),
            )
        ),
    )
)
_KEYS = sql(
    select(
        log_keys.c.generation, log_keys.c.master, log_keys.c.key, log_keys.c.size, log_keys.c.at, log_keys.c.hand_over
    ).order_by(log_keys.c.generation)
)
_ADD_KEY = sql(insert(log_keys).values({name: bindparam(name) for name in LogKey._fields}))


async def heads(tx: Tx) -> dict[str, int]:
    """The last number of each stream of the journal."""
    rows: list[tuple[str, int]] = await tx.all(_HEADS)
    return dict(rows)


async def take(tx: Tx, stream: str, *, after: int, size: int, most: int) -> tuple[list[bytes], int]:
    """
    Put the next entries of *stream* after number *after* into the tree of *size* leaves: their leaf hashes, at most
    *most*, and the number of the last one.
    """
    row = await tx.one(_NEXT, stream=stream, after=after)
    if row is None or row[0] is None:
        return [], after
    count = await tx.run(_TAKE, stream=stream, first=row[0], until=row[0] + most, size=size)
    rows = await tx.all(_HASHES, first=size, until=size + count)
    return [bytes(leaf) for leaf, _ in rows], int(rows[-1][1])


async def hashes(tx: Tx, first: int, until: int) -> list[bytes]:
    """The leaves of places *first* to before *until*."""
    return [bytes(row[0]) for row in await tx.all(_HASHES, first=first, until=until)]


async def lines(tx: Tx, first: int, until: int) -> list[Leaf]:
    """The places *first* to before *until* with the entries as the journal has them now."""
    rows = await tx.all(_LINES, first=first, until=until)
    return [
        Leaf(place, bytes(leaf), stream, number, None if body is None else _entry(stream, number, body))
        for place, leaf, stream, number, body in rows
    ]


def _entry(stream: str, number: int, body: str) -> dict[str, Any]:
    """
    What *body* says; where somebody made it unreadable, an entry that says so: its hash is another, so whoever checks
    the export is told its line, and the export does not end there.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        return found
    said = {"detail": {"unreadable": body[:500]}, "action": "", "actor": "", "at": 0, "story": "", "target": ""}
    return {**said, "stream": stream, "number": number, "address": ""}


async def newest(tx: Tx) -> Sealed | None:
    """The last checkpoint."""
    return _sealed(await tx.one(_NEWEST))


async def before(tx: Tx, moment: Instant) -> Sealed | None:
    """The last checkpoint that was made before *moment*."""
    return _sealed(await tx.one(_BEFORE, at=moment))


async def after(tx: Tx, moment: Instant) -> Sealed | None:
    """The first checkpoint that was made after *moment*."""
    return _sealed(await tx.one(_AFTER, at=moment))


async def up_to(tx: Tx, size: int) -> Sealed | None:
    """The last checkpoint of at most *size* entries."""
    return _sealed(await tx.one(_UPTO, size=size))


async def within(tx: Tx, first: int, until: int) -> list[tuple[int, str]]:
    """Size and note of the checkpoints of more than *first* and at most *until* entries."""
    return [(size, note) for size, note in await tx.all(_WITHIN, first=first, until=until)]


async def add(tx: Tx, sealed: Sealed) -> None:
    """Keep a checkpoint."""
    peaks = b"".join(sealed.tree.peaks)
    await tx.run(_ADD, size=sealed.tree.size, at=sealed.at, note=sealed.note, peaks=peaks)


async def thin(tx: Tx, *, before: Instant, each: Span) -> int:
    """Of the checkpoints older than *before* keep the last of *each* so many: how many went."""
    return await tx.run(_THIN, before=before, each=each)


async def log_keys_all(tx: Tx) -> list[LogKey]:
    """Every key, the current one last."""
    return [LogKey(*row) for row in await tx.all(_KEYS)]


async def add_log_key(tx: Tx, key: LogKey) -> None:
    """Keep the public half of a new key."""
    await tx.run(_ADD_KEY, **key._asdict())


def _sealed(row: Row | None) -> Sealed | None:
    if row is None:
        return None
    size, peaks, moment, note = row
    tree = Frontier(size, tuple(bytes(peaks[n : n + HASH]) for n in range(0, len(peaks), HASH))) if size else EMPTY
    return Sealed(tree, Instant(moment), note)
