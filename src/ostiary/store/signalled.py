"""
Sessions that the reader of shared signals looks at: with all that their liveness hangs on, and whether receivers were
told already.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, or_, update

from ostiary.core.logs.entry import Recorded
from ostiary.core.signals.causes import CAUSES, Cause, Whose
from ostiary.core.tokens.claims import LONGEST_TOKEN
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, Span, after
from ostiary.store import Tx
from ostiary.store.logs import ENTRIES, recorded
from ostiary.store.schema import journal, sessions
from ostiary.store.sql import Sql, sql
from ostiary.store.tokens import STANDING, Standing, standing_of

_HINTS = sql(
    ENTRIES.where(journal.c.position > bindparam("after"), journal.c.kind.in_([str(kind) for kind in CAUSES]))
    .order_by(journal.c.position)
    .limit(bindparam("most"))
)
_untold = (
    or_(sessions.c.signalled.is_(None), sessions.c.signalled < sessions.c.seen),
    or_(sessions.c.seen > bindparam("recent"), sessions.c.idle_ends > bindparam("at")),
    sessions.c.resource != "",
    sessions.c.id > bindparam("after"),
)


def _look(*whose: ColumnElement[bool]) -> Sql:
    return sql(STANDING.where(*whose, *_untold).order_by(sessions.c.id).limit(bindparam("most")))


_LOOKS: Mapping[Whose, Sql] = {
    Whose.USER: _look(sessions.c.user == bindparam("whose")),
    Whose.SESSION: _look(sessions.c.id == bindparam("whose")),
    Whose.DEVICE: _look(sessions.c.device == bindparam("whose")),
    Whose.CLIENT: _look(sessions.c.client == bindparam("whose")),
    Whose.ANYBODY: _look(),
}
_now = bindparam("now", type_=BigInteger)
_TOLD = sql(  # never before its last use, whatever a clock says: it would be told again
    update(sessions)
    .where(sessions.c.id == bindparam("id_"))
    .values(signalled=case((sessions.c.seen > _now, sessions.c.seen), else_=_now))
)


async def hints(tx: Tx, after_: int, most: int) -> list[Recorded]:
    """Up to *most* entries after position *after_* that may have ended sessions, oldest first."""
    return [recorded(row) for row in await tx.all(_HINTS, after=after_, most=most)]


async def untold(tx: Tx, cause: Cause, *, after_: str, most: int) -> list[Standing]:
    """
    Sessions that *cause* makes worth a look, in the order of their ids from *after_* on: those of which nobody was told
    since they were used last, and that had tokens that could still be shown somewhere when it happened (R8).
    """
    values: dict[str, Any] = {"recent": after(cause.at, Span(-LONGEST_TOKEN)), "at": cause.at, "after": after_}
    if cause.whose is not Whose.ANYBODY:
        values["whose"] = cause.id
    return [standing_of(row) for row in await tx.all(_LOOKS[cause.whose], most=most, **values)]


async def told(tx: Tx, ids: Sequence[SessionId], now: Instant) -> None:
    """Remember that receivers are told that these are over."""
    for id in ids:
        await tx.run(_TOLD, id_=id, now=now)
