"""
What the first page of the console draws: sign-ins by what they came to, hour by hour, and exemptions, day by day.

They change with every event, and whoever has the page open asks anew for each: a process counts once a minute.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.telling import Outcome
from ostiary.core.words.errors import SurveyTimeout
from ostiary.core.words.instants import Instant, Span, after, days, hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, counts

__all__ = ["DAYS", "HOURS", "OUTCOMES", "Counted", "exemptions_by_day", "sign_ins_by_hour"]

HOURS, DAYS = 24, 14
OUTCOMES = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.PENDING)
_HOUR, _DAY = hours(1), days(1)
KEPT = minutes(1)
"""How long a count is shown before it is made anew."""


class Counted(NamedTuple):
    """How many there were in one hour or day."""

    start: Instant
    numbers: tuple[int, ...]


Counts = tuple[Counted, ...]


async def sign_ins_by_hour(house: House, visit: Visit) -> Counts | Refused | None:
    """
    Of each of the last 24 hours, the running one included, how many sign-ins came to each of `OUTCOMES`; None where
    counting took too long. Refused: FORBIDDEN and its kin.
    """
    refused = judge(Action.READ_LOGS, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def body(tx: Tx) -> Counts:
        found = []
        for start in _places(visit.now, _HOUR, HOURS):
            numbers = [await counts.outcomes(tx, each.value, start, after(start, _HOUR)) for each in OUTCOMES]
            found.append(Counted(start, tuple(numbers)))
        return tuple(found)

    async def count() -> Counts:
        await catch_up(house, visit)
        return await house.store.survey(body)

    return await _kept(house, "hours", visit.now, count)


async def exemptions_by_day(house: House, visit: Visit) -> Counts | Refused | None:
    """Of each of the last 14 days, today included, how many exemptions were opened. Answers as above."""
    refused = judge(Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def body(tx: Tx) -> Counts:
        starts = _places(visit.now, _DAY, DAYS)
        return tuple([Counted(start, (await counts.opened(tx, start, after(start, _DAY)),)) for start in starts])

    return await _kept(house, "days", visit.now, lambda: house.store.survey(body))


async def _kept(house: House, name: str, now: Instant, count: Callable[[], Awaitable[Counts]]) -> Counts | None:
    """What was counted less than `KEPT` ago, or is now; that it took too long is kept as well."""
    at, found = house.charts.get(name, (None, None))
    if at is not None and at <= now < after(at, KEPT):
        kept: Counts | None = found
        return kept
    try:
        made = await count()
    except SurveyTimeout:
        made = None
    house.charts[name] = (now, made)
    return made


def _places(now: Instant, length: Span, count: int) -> tuple[Instant, ...]:
    """The beginnings of the last *count* of them, in UTC; *now* is in the last."""
    running = now - now % length
    return tuple(Instant(running - number * length) for number in reversed(range(count)))
