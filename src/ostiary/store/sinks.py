"""
Sinks of the journal as rows, and their cursors.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from ostiary.core.logs.sinks import Body, Form, Sink
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx, logs
from ostiary.store.schema import cursors, journal, log_sinks
from ostiary.store.sql import sql

TABLE, FIELD = "log_sinks", "sealed"


class Due(NamedTuple):
    """What a sender of one sink needs."""

    sink: Sink
    sealed: bytes
    seen: int


READER = "sink:"
_SHOWN = tuple(
    log_sinks.c[name] for name in ("id", "name", "form", "body", "host", "created", "sent", "failures", "trouble")
)
_behind = select(func.max(journal.c.position)).scalar_subquery() - cursors.c.position
_JOINED = log_sinks.join(cursors, cursors.c.reader == READER + log_sinks.c.id)
_ALL = sql(select(*_SHOWN, _behind).select_from(_JOINED).order_by(log_sinks.c.created, log_sinks.c.id))
_FIND = sql(
    select(*_SHOWN, _behind, log_sinks.c.sealed, cursors.c.position)
    .select_from(_JOINED)
    .where(log_sinks.c.id == bindparam("id"))
)
_DUE = sql(
    select(log_sinks.c.id).select_from(_JOINED).where(log_sinks.c.rests <= bindparam("now"), _behind > 0)
    .order_by(log_sinks.c.failures, log_sinks.c.id)
)  # fmt: skip
_ADD = sql(
    insert(log_sinks).values(
        {name: bindparam(name) for name in ("id", "name", "form", "body", "host", "sealed", "created")}
    )
)
_REMOVE = sql(delete(log_sinks).where(log_sinks.c.id == bindparam("id_")))
_LEAVE = sql(delete(cursors).where(cursors.c.reader == bindparam("reader_")))
_MARK = sql(
    update(log_sinks)
    .where(log_sinks.c.id == bindparam("id_"))
    .values(
        sent=func.coalesce(bindparam("sent_"), log_sinks.c.sent), failures=bindparam("failures_"),
        rests=bindparam("rests_"), trouble=bindparam("trouble_"),
    )
)  # fmt: skip


async def sinks(tx: Tx) -> list[Sink]:
    """All of them."""
    return [_sink(row) for row in await tx.all(_ALL)]


async def find(tx: Tx, id: str) -> Due | None:
    """One, with how far it has come."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else Due(_sink(row[:-2]), bytes(row[-2]), int(row[-1]))


async def due(tx: Tx, now: Instant) -> list[str]:
    """Those that have something to be sent now, the ones that work first."""
    return [id for (id,) in await tx.all(_DUE, now=now)]


async def add(tx: Tx, sink: Sink, sealed: bytes) -> None:
    """It hears what is written from now on."""
    await tx.run(
        _ADD, id=sink.id, name=sink.name, form=sink.form.value, body=sink.body.value, host=sink.host, sealed=sealed,
        created=sink.created,
    )  # fmt: skip
    await logs.join(tx, READER + sink.id)


async def remove(tx: Tx, id: str) -> None:
    """It goes, and holds nothing of the journal back any more."""
    await tx.run(_REMOVE, id_=id)
    await tx.run(_LEAVE, reader_=READER + id)


async def move(tx: Tx, id: str, *, seen: int, position: int) -> bool:
    """Compare-and-swap of how far it has come."""
    return await logs.move_cursor(tx, READER + id, seen=seen, position=position)


async def mark(
    tx: Tx, id: str, *, sent: Instant | None = None, failures: int = 0, rests: Instant = Instant(0), trouble: str = ""
) -> None:
    """What became of a try."""
    await tx.run(_MARK, id_=id, sent_=sent, failures_=failures, rests_=rests, trouble_=trouble)


def _sink(row: Row) -> Sink:
    id, name, form, body, host, created, sent, failures, trouble, behind = row
    return Sink(
        id, name, Form(form), Body(body), host, Instant(created), None if sent is None else Instant(sent), failures,
        trouble, max(0, behind or 0),
    )  # fmt: skip
