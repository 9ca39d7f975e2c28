"""
Client assertions that were used: digest, source, end.
"""

from sqlalchemy import bindparam, delete, func, insert, select

from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import assertions
from ostiary.store.sql import sql

_FIND = sql(select(assertions.c.source).where(assertions.c.key == bindparam("key")))
# Rows go in the order in which they came but for a few minutes, so this is how many there are, or a little more; and
# both ends of the primary key cost nothing to find.
_SPAN = sql(
    select(
        select(func.max(assertions.c.number)).scalar_subquery(), select(func.min(assertions.c.number)).scalar_subquery()
    )
)
_ADD = sql(insert(assertions).values({name: bindparam(name) for name in ("key", "source", "ends")}))
_SWEEP = sql(delete(assertions).where(assertions.c.ends <= bindparam("now")))


async def source(tx: Tx, key: bytes) -> str | None:
    """Where the assertion with this digest came from; None when it was never seen."""
    row = await tx.one(_FIND, key=key)
    return None if row is None else str(row[0])


async def room(tx: Tx, most: int) -> bool:
    """Whether fewer than about *most* are kept."""
    row = await tx.one(_SPAN)
    return row is None or row[0] is None or row[0] - row[1] < most


async def add(tx: Tx, key: bytes, *, source: str, ends: Instant) -> None:
    """Remember one. The caller has made sure that it is new."""
    await tx.run(_ADD, key=key, source=source, ends=ends)


async def sweep(tx: Tx, now: Instant) -> int:
    """Forget those that count no more by themselves; how many there were."""
    return await tx.run(_SWEEP, now=now)
