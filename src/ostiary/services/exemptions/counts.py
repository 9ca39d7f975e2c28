"""
What the first page of the console draws: sign-ins by what they came to, hour by hour, and exemptions, day by day.
"""

from typing import NamedTuple

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.telling import Outcome
from ostiary.core.words.instants import Instant, Span, after, days, hours
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, counts

__all__ = ["DAYS", "HOURS", "OUTCOMES", "Counted", "exemptions_by_day", "sign_ins_by_hour"]

HOURS, DAYS = 24, 14
OUTCOMES = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.PENDING)
_HOUR, _DAY = hours(1), days(1)


class Counted(NamedTuple):
    """How many there were in one hour or day."""

    start: Instant
    numbers: tuple[int, ...]


async def sign_ins_by_hour(house: House, visit: Visit) -> tuple[Counted, ...] | Refused:
    """
    Of each of the last 24 hours, the running one included, how many sign-ins came to each of `OUTCOMES`. Refused:
    FORBIDDEN and its kin.
    """
    refused = judge(Action.READ_LOGS, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    await catch_up(house, visit)
    starts = _places(visit.now, _HOUR, HOURS)

    async def body(tx: Tx) -> tuple[Counted, ...]:
        found = []
        for start in starts:
            numbers = [await counts.outcomes(tx, each.value, start, after(start, _HOUR)) for each in OUTCOMES]
            found.append(Counted(start, tuple(numbers)))
        return tuple(found)

    return await house.store.survey(body)


async def exemptions_by_day(house: House, visit: Visit) -> tuple[Counted, ...] | Refused:
    """Of each of the last 14 days, today included, how many exemptions were opened. Refused as above."""
    refused = judge(Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    starts = _places(visit.now, _DAY, DAYS)

    async def body(tx: Tx) -> list[Instant]:
        return await counts.opened(tx, starts[0])

    opened = await house.store.survey(body)
    return tuple(Counted(start, (sum(start <= at < start + _DAY for at in opened),)) for start in starts)


def _places(now: Instant, length: Span, count: int) -> tuple[Instant, ...]:
    """The beginnings of the last *count* of them, in UTC; *now* is in the last."""
    running = now - now % length
    return tuple(Instant(running - number * length) for number in reversed(range(count)))
