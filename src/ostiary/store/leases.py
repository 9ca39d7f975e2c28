"""
Leases: which node runs a job that only one may run at a time. Taking one is a compare-and-swap on its row.
"""

from sqlalchemy import bindparam, insert, or_, select, update

from ostiary.core.words.instants import Instant, Span, after
from ostiary.store import Tx
from ostiary.store.schema import leases
from ostiary.store.sql import sql

__all__ = ["release_all", "take"]

_TAKE = sql(
    update(leases)
    .where(
        leases.c.job == bindparam("job_"),
        or_(
            leases.c.holder == bindparam("holder_"),
            leases.c.until <= bindparam("now"),
            leases.c.until > bindparam("latest"),
        ),
    )
    .values(holder=bindparam("holder_"), until=bindparam("until_"))
)
_FIND = sql(select(leases.c.holder).where(leases.c.job == bindparam("job")))
_ADD = sql(insert(leases).values(job=bindparam("job"), holder=bindparam("holder"), until=bindparam("until")))
_RELEASE = sql(
    update(leases)
    .where(leases.c.holder == bindparam("holder_"), leases.c.until > bindparam("now"))
    .values(until=bindparam("now"))
)


async def take(tx: Tx, job: str, holder: str, *, now: Instant, length: Span) -> Instant | None:
    """
    Until when *holder* may run *job*, from *now* on; None while somebody else may.

    A lease that ends later than any can was given by a clock that has gone back since: it counts as over.
    """
    until = after(now, length)
    if await tx.run(_TAKE, job_=job, holder_=holder, now=now, latest=until, until_=until):
        return until
    if await tx.one(_FIND, job=job) is not None:
        return None
    await tx.run(_ADD, job=job, holder=holder, until=until)
    return until


async def release_all(tx: Tx, holder: str, *, now: Instant) -> int:
    """Give back every lease of *holder*, who stops; how many."""
    return await tx.run(_RELEASE, holder_=holder, now=now)
