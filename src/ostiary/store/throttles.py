"""
Counters of wrong tries, by subject.
"""

from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.directory.credentials import Counter
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import throttles
from ostiary.store.sql import sql

_FIND = sql(
    select(throttles.c.since, throttles.c.count, throttles.c.until).where(throttles.c.subject == bindparam("subject"))
)
_ADD = sql(insert(throttles).values({name: bindparam(name) for name in ("subject", "since", "count", "until")}))
_CHANGE = sql(
    update(throttles)
    .where(
        throttles.c.subject == bindparam("subject_"),
        throttles.c.since == bindparam("since_"),
        throttles.c.count == bindparam("count_"),
    )
    .values({name: bindparam(name) for name in ("since", "count", "until")})
)
_REMOVE = sql(delete(throttles).where(throttles.c.subject == bindparam("subject_")))
_SWEEP = sql(delete(throttles).where(throttles.c.since < bindparam("before"), throttles.c.until < bindparam("now")))


async def find(tx: Tx, subject: str) -> Counter | None:
    """The counter of *subject*."""
    row = await tx.one(_FIND, subject=subject)
    return None if row is None else Counter(Instant(row[0]), row[1], Instant(row[2]))


async def put(tx: Tx, subject: str, old: Counter | None, new: Counter) -> None:
    """
    Compare-and-swap *old* for *new*. Raises BrokenState when the row moved: a try that cannot be counted is not
    answered.
    """
    if old is None:
        await tx.run(_ADD, subject=subject, since=new.since, count=new.count, until=new.until)
        return
    changed = await tx.run(
        _CHANGE, subject_=subject, since_=old.since, count_=old.count, since=new.since, count=new.count, until=new.until
    )
    if changed != 1:
        raise BrokenState(f"the counter of {subject!r} moved in its own transaction")


async def remove(tx: Tx, subject: str) -> None:
    """Forget *subject*."""
    await tx.run(_REMOVE, subject_=subject)


async def sweep(tx: Tx, *, before: Instant, now: Instant) -> int:
    """Forget every subject whose window began before *before* and that is not closed at *now*; how many there were."""
    return await tx.run(_SWEEP, before=before, now=now)
