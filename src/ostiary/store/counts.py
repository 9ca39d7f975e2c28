"""
Counts for charts: how many sign-ins came to what in an hour, how many exemptions were opened in a day.

Each is a walk along one index, of a bounded number of rows, so that a log of millions is looked at as cheaply as one of
hundreds.
"""

from sqlalchemy import bindparam, func, literal_column, select

from ostiary.core.exemptions.exemption import HARD_CAP
from ostiary.core.words.instants import Instant, after
from ostiary.store import Tx
from ostiary.store.schema import exemptions, stories
from ostiary.store.sql import sql

__all__ = ["MOST", "opened", "outcomes"]

MOST = 10_000
"""Rows that one count looks at; there may be more."""

_OUTCOMES = sql(
    select(func.count()).select_from(
        select(literal_column("1"))
        .select_from(stories)
        .where(
            stories.c.outcome == bindparam("outcome"),
            stories.c.started >= bindparam("start"),
            stories.c.started < bindparam("end"),
        )
        .limit(bindparam("most"))
        .subquery()
    )
)
_OPENED = sql(
    select(func.count()).select_from(
        select(literal_column("1"))
        .select_from(exemptions)
        .where(
            exemptions.c.ends >= bindparam("start"),
            exemptions.c.ends < bindparam("last"),
            exemptions.c.opened >= bindparam("start"),
            exemptions.c.opened < bindparam("end"),
        )
        .limit(bindparam("most"))
        .subquery()
    )
)


async def outcomes(tx: Tx, outcome: str, start: Instant, end: Instant) -> int:
    """How many sign-ins that began from *start* on and before *end* came to *outcome*, up to `MOST`."""
    row = await tx.one(_OUTCOMES, outcome=outcome, start=start, end=end, most=MOST)
    return int(row[0]) if row else 0


async def opened(tx: Tx, start: Instant, end: Instant) -> int:
    """How many exemptions were opened from *start* on and before *end*, up to `MOST`."""
    row = await tx.one(_OPENED, start=start, end=end, last=after(end, HARD_CAP), most=MOST)
    return int(row[0]) if row else 0
