"""
Streams as rows, the subjects that they leave out, and the events that wait on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import orjson
from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from ostiary.core.signals.streams import Method, Status, Stream
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import signal_outbox, signal_streams, signal_subjects
from ostiary.store.sql import sql

TABLE, FIELD = "signal_streams", "sealed"
"""With the stream's id the place that its target is sealed for."""

_NAMES = tuple(field.name for field in fields(Stream))
_ALL = [signal_streams.c[name] for name in _NAMES]
_OUR_OWN = ("id", "application", "audience", "created")
_id = signal_streams.c.id == bindparam("id_")

_ANY = sql(select(signal_streams.c.id).limit(1))
_STREAMS = sql(select(*_ALL).order_by(signal_streams.c.application, signal_streams.c.created, signal_streams.c.id))
_OF = sql(
    select(*_ALL)
    .where(signal_streams.c.application == bindparam("application_"))
    .order_by(signal_streams.c.created, signal_streams.c.id)
)
_FIND = sql(select(*_ALL).where(_id))
_SEALED = sql(select(signal_streams.c.sealed).where(_id))
_ADD = sql(insert(signal_streams).values({name: bindparam(name) for name in (*_NAMES, "sealed")}))
_CHANGE = sql(
    update(signal_streams)
    .where(_id, signal_streams.c.revision == bindparam("revision_"))
    .values({name: bindparam(name) for name in (*(n for n in _NAMES if n not in _OUR_OWN), "sealed")})
)
_REMOVE = sql(delete(signal_streams).where(_id))
_PAUSE = sql(
    update(signal_streams)
    .where(_id, signal_streams.c.status == Status.ENABLED.value)
    .values(status=bindparam("status"), why=bindparam("why_"))
)
_VERIFY = sql(update(signal_streams).where(_id).values(verified=bindparam("now")))
_WENT = sql(update(signal_streams).where(_id).values(failures=bindparam("failures_"), retry=bindparam("retry_")))
_DROP = sql(update(signal_streams).where(_id).values(dropped=signal_streams.c.dropped + bindparam("count")))

_LEFT_OUT = sql(select(signal_subjects.c.subject).where(signal_subjects.c.stream == bindparam("stream_")))
_LEAVE_OUT = sql(insert(signal_subjects).values(stream=bindparam("stream"), subject=bindparam("subject")))
_TAKE_IN = sql(
    delete(signal_subjects).where(
        signal_subjects.c.stream == bindparam("stream_"), signal_subjects.c.subject == bindparam("subject_")
    )
)

_of_stream = signal_outbox.c.stream == bindparam("stream_")
_goes = and_(
    signal_streams.c.status != Status.DISABLED.value,
    or_(signal_streams.c.status == Status.ENABLED.value, signal_outbox.c.about_stream == 1),
)
"""Whether an event may go out: while a stream is paused, only what is about the stream itself."""
_waiting = signal_outbox.join(signal_streams, signal_streams.c.id == signal_outbox.c.stream)
_PUT = sql(
    insert(signal_outbox).values(
        {name: bindparam(name) for name in ("stream", "jti", "claims", "created", "about_stream", "tries")}
    )
)
_WAITING = sql(
    select(signal_outbox.c.number, signal_outbox.c.jti, signal_outbox.c.claims, signal_outbox.c.tries)
    .select_from(_waiting)
    .where(_of_stream, _goes)
    .order_by(signal_outbox.c.number)
    .limit(bindparam("most"))
)
_is_due = and_(
    signal_streams.c.method == Method.PUSH.value,
    or_(signal_streams.c.retry.is_(None), signal_streams.c.retry <= bindparam("now")),
)
_of_it = signal_outbox.c.stream == signal_streams.c.id
_DUE = sql(
    select(signal_streams.c.id, signal_streams.c.failures)
    .where(_is_due, select(signal_outbox.c.number).where(_of_it, _goes).exists())
    .order_by(
        signal_streams.c.failures,
        select(func.min(signal_outbox.c.number)).where(_of_it).scalar_subquery(),
        signal_streams.c.id,
    )
    .limit(bindparam("most"))
)
_CLAIM = sql(update(signal_streams).where(_id, _is_due).values(retry=bindparam("until")))
_DONE = sql(delete(signal_outbox).where(_of_stream, signal_outbox.c.jti == bindparam("jti_")))
_TRIED = sql(
    update(signal_outbox)
    .where(_of_stream, signal_outbox.c.jti == bindparam("jti_"))
    .values(tries=signal_outbox.c.tries + 1)
)
_HELD = sql(select(func.count()).select_from(signal_outbox).where(_of_stream))
_LAG = sql(
    select(signal_outbox.c.stream, func.count(), func.min(signal_outbox.c.created)).group_by(signal_outbox.c.stream)
)
_EMPTY = sql(delete(signal_outbox).where(_of_stream))
_OLD = sql(
    select(signal_outbox.c.stream, func.count())
    .where(signal_outbox.c.created < bindparam("before"))
    .group_by(signal_outbox.c.stream)
)
_FORGET = sql(delete(signal_outbox).where(_of_stream, signal_outbox.c.created < bindparam("before")))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event on its way."""

    number: int
    jti: str
    claims: bytes = field(repr=False)
    tries: int


class Lag(NamedTuple):
    """What waits on one stream, and since when."""

    held: int
    oldest: Instant


def stream_from(row: Row) -> Stream:
    """The columns `_NAMES` as a value."""
    (id, application, audience, method, host, requested, description, created, status, why, revision, verified,
     failures, retry, dropped) = row  # fmt: skip
    return Stream(
        id, AppId(application), audience, Method(method), host,
        None if requested is None else tuple(orjson.loads(requested)), description, Instant(created), Status(status),
        why, revision, verified, failures, retry, dropped,
    )  # fmt: skip


def _values(stream: Stream) -> dict[str, object]:
    requested = None if stream.requested is None else orjson.dumps(stream.requested).decode()
    values = {name: getattr(stream, name) for name in _NAMES}
    return {**values, "method": stream.method.value, "status": stream.status.value, "requested": requested}


async def any_stream(tx: Tx) -> bool:
    """Whether anybody subscribed at all."""
    return await tx.one(_ANY) is not None


async def streams(tx: Tx) -> list[Stream]:
    """Every stream."""
    return [stream_from(row) for row in await tx.all(_STREAMS)]


async def of_application(tx: Tx, application: AppId) -> list[Stream]:
    """The streams of *application*, the oldest first."""
    return [stream_from(row) for row in await tx.all(_OF, application_=application)]


async def find(tx: Tx, id: str) -> Stream | None:
    """The stream."""
    row = await tx.one(_FIND, id_=id)
    return None if row is None else stream_from(row)


async def sealed(tx: Tx, id: str) -> bytes:
    """Its sealed target; empty when it is polled, or is not there."""
    row = await tx.one(_SEALED, id_=id)
    return b"" if row is None else bytes(row[0])


async def add(tx: Tx, stream: Stream, target: bytes) -> None:
    """A new one, with its sealed target."""
    await tx.run(_ADD, sealed=target, **_values(stream))


async def change(tx: Tx, old: Stream, new: Stream, target: bytes) -> bool:
    """Compare-and-swap on the revision."""
    values = {name: value for name, value in _values(new).items() if name not in _OUR_OWN}
    return await tx.run(_CHANGE, id_=old.id, revision_=old.revision, sealed=target, **values) == 1


async def remove(tx: Tx, id: str) -> bool:
    """Forget it, with all that waits on it."""
    return await tx.run(_REMOVE, id_=id) == 1


async def pause(tx: Tx, id: str, why: str) -> bool:
    """Pause one that is enabled; False for any other."""
    return await tx.run(_PAUSE, id_=id, status=Status.PAUSED.value, why_=why) == 1


async def verify(tx: Tx, id: str, now: Instant) -> None:
    """Remember that a verification event was asked for."""
    await tx.run(_VERIFY, id_=id, now=now)


async def went(tx: Tx, id: str, *, failures: int, retry: Instant | None) -> None:
    """Remember how pushing went."""
    await tx.run(_WENT, id_=id, failures_=failures, retry_=retry)


async def count_dropped(tx: Tx, id: str, count: int) -> None:
    """Remember that *count* events never went out."""
    await tx.run(_DROP, id_=id, count=count)


# ---- subjects


async def left_out(tx: Tx, stream: str) -> list[str]:
    """The subjects that *stream* leaves out."""
    return [row[0] for row in await tx.all(_LEFT_OUT, stream_=stream)]


async def leave_out(tx: Tx, stream: str, subject: str) -> None:
    """One more; it must not be among them."""
    await tx.run(_LEAVE_OUT, stream=stream, subject=subject)


async def take_in(tx: Tx, stream: str, subject: str) -> None:
    """Leave it out no more."""
    await tx.run(_TAKE_IN, stream_=stream, subject_=subject)


# ---- the outbox


async def put(tx: Tx, stream: str, jti: str, claims: bytes, now: Instant, *, about_stream: bool) -> None:
    """An event for *stream*."""
    await tx.run(
        _PUT, stream=stream, jti=jti, claims=claims.decode(), created=now, about_stream=int(about_stream), tries=0
    )


async def waiting(tx: Tx, stream: str, most: int) -> list[Waiting]:
    """What may go out on *stream* now, the oldest first."""
    rows = await tx.all(_WAITING, stream_=stream, most=most)
    return [Waiting(number, jti, claims.encode(), tries) for number, jti, claims, tries in rows]


async def due(tx: Tx, now: Instant, most: int) -> list[tuple[str, int]]:
    """
    Up to *most* streams to which something is to be pushed now, with their failures in a row: those without any first,
    among them those whose events wait longest.
    """
    return [(id, failures) for id, failures in await tx.all(_DUE, now=now, most=most)]


async def claim(tx: Tx, id: str, *, now: Instant, until: Instant) -> bool:
    """
    Whether something may be pushed to the stream now: until *until*, or until it is said how that `went`, nobody else
    is told so.
    """
    return await tx.run(_CLAIM, id_=id, now=now, until=until) == 1


async def done(tx: Tx, stream: str, jtis: Sequence[str]) -> list[str]:
    """Those of *jtis* that waited on *stream*: they are gone."""
    return [jti for jti in jtis if await tx.run(_DONE, stream_=stream, jti_=jti)]


async def tried(tx: Tx, stream: str, jti: str) -> None:
    """It was sent, and did not arrive."""
    await tx.run(_TRIED, stream_=stream, jti_=jti)


async def held(tx: Tx, stream: str) -> int:
    """How many events wait on *stream*."""
    row = await tx.one(_HELD, stream_=stream)
    return 0 if row is None else int(row[0])


async def lags(tx: Tx) -> dict[str, Lag]:
    """What waits on each stream on which something does."""
    return {stream: Lag(count, Instant(oldest)) for stream, count, oldest in await tx.all(_LAG)}


async def empty(tx: Tx, stream: str) -> int:
    """Drop all that waits on *stream*; how many there were."""
    return await tx.run(_EMPTY, stream_=stream)


async def too_old(tx: Tx, before: Instant) -> dict[str, int]:
    """On which streams how many events have waited since before *before*."""
    return {row[0]: int(row[1]) for row in await tx.all(_OLD, before=before)}


async def forget(tx: Tx, stream: str, before: Instant) -> int:
    """Drop those; how many."""
    return await tx.run(_FORGET, stream_=stream, before=before)
