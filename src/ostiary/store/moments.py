"""
What time may have done something to, in pieces and the oldest first, and which moments were told.

A piece is read by few statements, however many rows it has; where it ended, the next begins.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, tuple_

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.words.instants import Instant
from ostiary.store import Tx, requests
from ostiary.store.exemptions import ALL as EXEMPTION_COLUMNS
from ostiary.store.exemptions import NOT_ENDED, exemption_of
from ostiary.store.requests import CONDITIONS, SHOWN, Asked, Which
from ostiary.store.schema import exemption_requests, exemptions, notice_moments
from ostiary.store.sql import sql

__all__ = ["Place", "ending", "forget_moments", "mark_moment", "owed", "told", "waiting"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next piece begins: after this moment and, of the same moment, this id."""

    at: Instant
    id: str = ""


_AT_ONCE = 64  # keys that one statement looks for
_TOLD = sql(
    select(notice_moments.c.key).where(notice_moments.c.key.in_([bindparam(f"key{n}") for n in range(_AT_ONCE)]))
)
_TELL = sql(insert(notice_moments).values(key=bindparam("key"), at=bindparam("at")))
_FORGET = sql(delete(notice_moments).where(notice_moments.c.at < bindparam("before")))
_HERE = tuple_(bindparam("at"), bindparam("id"))
_WAITING = sql(
    SHOWN.where(
        *CONDITIONS[Which.WAITING], exemption_requests.c.ends >= bindparam("at"),
        tuple_(exemption_requests.c.ends, exemption_requests.c.id) > _HERE,
    )
    .order_by(exemption_requests.c.ends, exemption_requests.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
_OWED = sql(
    SHOWN.where(*CONDITIONS[Which.OWED], tuple_(exemption_requests.c.created, exemption_requests.c.id) > _HERE)
    .order_by(exemption_requests.c.created, exemption_requests.c.id)
    .limit(bindparam("most"))
)
_ENDING = sql(
    select(*EXEMPTION_COLUMNS)
    .where(
        NOT_ENDED, exemptions.c.ends >= bindparam("at"), exemptions.c.ends <= bindparam("until"),
        tuple_(exemptions.c.ends, exemptions.c.id) > _HERE, exemptions.c.waits.is_(None),
    )
    .order_by(exemptions.c.ends, exemptions.c.id)
    .limit(bindparam("most"))
)  # fmt: skip


async def waiting(tx: Tx, after: Place, *, now: Instant, most: int) -> tuple[list[Asked], Place | None]:
    """Requests that wait at *now*, by when they lapse, and where the next piece begins; None: nowhere."""
    found = await requests.shown(tx, await tx.all(_WAITING, at=after.at, id=after.id, now=now, most=most))
    last = found[-1].request if len(found) == most else None
    return found, None if last is None else Place(last.ends, last.id)


async def owed(tx: Tx, after: Place, *, most: int) -> tuple[list[Asked], Place | None]:
    """Requests that owe a review, by when they were made, and where the next piece begins."""
    found = await requests.shown(tx, await tx.all(_OWED, at=after.at, id=after.id, most=most))
    last = found[-1].request if len(found) == most else None
    return found, None if last is None else Place(last.created, last.id)


async def ending(tx: Tx, after: Place, *, until: Instant, most: int) -> tuple[list[Exemption], Place | None]:
    """Exemptions whose clock runs and that end at *until* at the latest, and where the next piece begins."""
    rows = await tx.all(_ENDING, at=after.at, id=after.id, until=until, most=most)
    found = [exemption_of(row) for row in rows]
    return found, Place(found[-1].ends, found[-1].id) if len(found) == most else None


async def told(tx: Tx, keys: list[str]) -> set[str]:
    """Which of *keys* were told."""
    found = set[str]()
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        part += [""] * (_AT_ONCE - len(part))
        found |= {row[0] for row in await tx.all(_TOLD, **{f"key{n}": key for n, key in enumerate(part)})}
    return found


async def mark_moment(tx: Tx, key: str, at: Instant) -> None:
    """It is told now."""
    await tx.run(_TELL, key=key, at=at)


async def forget_moments(tx: Tx, before: Instant) -> int:
    """Forget the moments told before *before*; how many."""
    return await tx.run(_FORGET, before=before)
