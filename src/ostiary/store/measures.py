"""
How much there is of what moves, in one look: for whoever watches the service. Numbers, and no names but our own.

Everything is found by an index or bounded in number, since it is asked for every few seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, or_, select

from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx, kill_switch, logs
from ostiary.store.schema import (
    checkpoints,
    cursors,
    exemption_requests,
    exemptions,
    journal,
    keys,
    log_sinks,
    notice_channels,
    notices,
    signal_outbox,
)
from ostiary.store.schema_exemptions import OPEN, OWES_REVIEW
from ostiary.store.sinks import READER as SINK
from ostiary.store.sql import sql

__all__ = ["SINKS", "Lag", "Measures", "entries", "measure"]

SINKS = "sinks"
"""The reader that stands for all sinks: the one that is furthest behind. Their names are people's."""
MOST = 50_000
"""Journal entries that one look counts; the next look goes on there."""

_KINDS = sql(
    select(journal.c.kind, func.count())
    .where(
        journal.c.position > bindparam("after"), journal.c.position <= bindparam("until"),
        journal.c.stream == bindparam("stream"),
    )
    .group_by(journal.c.kind)
)  # fmt: skip
_UNREAD = sql(select(journal.c.at).where(journal.c.position > bindparam("after")).order_by(journal.c.position).limit(1))
_SINKS = sql(select(func.min(cursors.c.position)).where(cursors.c.reader.startswith(SINK, autoescape=True)))
_SINKS_FAIL = sql(select(func.count()).select_from(log_sinks).where(log_sinks.c.failures > 0))
_EXEMPTIONS = sql(
    select(exemptions.c.break_glass, func.count())
    .where(exemptions.c.ends > bindparam("now"), exemptions.c.starts <= bindparam("now"), exemptions.c.ended.is_(None))
    .group_by(exemptions.c.break_glass)
)
_REQUESTS = sql(
    select(func.count(), func.min(exemption_requests.c.created)).where(
        OPEN, exemption_requests.c.ends > bindparam("now")
    )
)
_REVIEWS = sql(select(func.count()).select_from(exemption_requests).where(OWES_REVIEW))
_CHECKPOINT = sql(select(func.max(checkpoints.c.at)))
_KEYS = sql(
    select(keys.c.algorithm, func.count())
    .where(
        and_(func.length(keys.c.sealed) > 0, keys.c.signs_from <= bindparam("now")),
        or_(keys.c.signs_until.is_(None), keys.c.signs_until > bindparam("now")),
    )
    .group_by(keys.c.algorithm)
)
_NOTICES = sql(select(func.count(), func.min(notices.c.created)).select_from(notices))
_CHANNELS = sql(select(func.count()).select_from(notice_channels).where(notice_channels.c.failures > 0))
_SIGNALS = sql(select(func.count(), func.min(signal_outbox.c.created)).select_from(signal_outbox))


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits in a line: how much, and since when the oldest does."""

    count: int
    since: Instant | None


@dataclass(frozen=True, slots=True)
class Measures:
    """What was found."""

    head: int
    """Position of the journal's last entry."""
    readers: Mapping[str, Lag]
    exemptions: int
    break_glass: int
    """Of the exemptions that are open, beside the others."""
    requests: Lag
    """Requests that somebody must decide."""
    reviews: int
    """Uses of break-glass that nobody has written about."""
    killed: bool
    checkpoint: Instant | None
    keys: Mapping[str, int]
    notices: Lag
    channels: int
    """Channels whose last try failed."""
    signals: Lag
    sinks: int
    """Sinks of the journal whose last try failed."""


async def measure(tx: Tx, now: Instant, readers: tuple[str, ...]) -> Measures:
    """Everything as it is at *now*; *readers* are those that follow the journal."""
    head = await logs.head(tx)
    behind = {name: await _behind(tx, await logs.where(tx, name), head) for name in readers}
    slowest = await tx.one(_SINKS)
    behind[SINKS] = await _behind(tx, slowest[0] if slowest else None, head)
    open_now = {bool(glass): int(count) for glass, count in await tx.all(_EXEMPTIONS, now=now)}
    checkpoint = await tx.one(_CHECKPOINT)
    return Measures(
        head=head,
        readers=behind,
        exemptions=open_now.get(False, 0),
        break_glass=open_now.get(True, 0),
        requests=_lag(await tx.one(_REQUESTS, now=now)),
        reviews=_lag(await tx.one(_REVIEWS)).count,
        killed=(await kill_switch.find(tx)).on,
        checkpoint=Instant(checkpoint[0]) if checkpoint and checkpoint[0] is not None else None,
        keys={algorithm: int(count) for algorithm, count in await tx.all(_KEYS, now=now)},
        notices=_lag(await tx.one(_NOTICES)),
        channels=_lag(await tx.one(_CHANNELS)).count,
        signals=_lag(await tx.one(_SIGNALS)),
        sinks=_lag(await tx.one(_SINKS_FAIL)).count,
    )


async def entries(tx: Tx, after: int) -> tuple[int, Mapping[str, int]]:
    """How many entries this node wrote after position *after*, by kind, and up to which position it was counted."""
    until = await logs.reach(tx, after, MOST)
    found = await tx.all(_KINDS, after=after, until=until, stream=tx.stream)
    return until, {kind: int(count) for kind, count in found}


async def _behind(tx: Tx, position: int | None, head: int) -> Lag:
    """A reader that never read waits for nothing yet: it begins where the journal is."""
    if position is None or position >= head:
        return Lag(0, None)
    row = await tx.one(_UNREAD, after=position)
    return Lag(head - position, Instant(row[0]) if row else None)


def _lag(row: Row | None) -> Lag:
    count, since = ((*row, None)[:2]) if row else (0, None)
    return Lag(int(count), Instant(since) if since is not None else None)
