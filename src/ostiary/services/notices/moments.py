"""
The moments that no entry marks: looked for at *now*, written into the journal once each; the reader makes notices of
them as of any other entry. What was told is remembered by its key, in the transaction of the entry.

All that waits is looked at in each run, in pieces away from sign-ins; little of it has something to tell.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Approver, Rules
from ostiary.core.logs.entry import Entry
from ostiary.core.notices.moments import (
    ENDS_SOON,
    OWED_SINCE,
    Moment,
    of_exemption,
    of_request,
    of_review,
    who_matters,
)
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.decide import people
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, moments, requests
from ostiary.store.moments import Place

__all__ = ["announce_moments", "tend_moments"]

PIECE = 200  # rows that are looked at in one go
BATCH = 20  # moments that one transaction writes: it shares the loop with sign-ins
KEPT = days(90)
"""How long a moment is remembered: longer than anything that has one can last."""

Found = list[tuple[ExemptionId, Moment]]
Piece = tuple[Found, Place | None]
"""What is due of some rows, and where the next ones begin."""

_log = structlog.get_logger("ostiary.notices")


@dataclass(slots=True)
class _Seen:
    """What one transaction looked up: rows are many, groups and approvers few."""

    rules: dict[GroupId, Rules | None] = field(default_factory=dict)
    people: dict[UserId, Approver | None] = field(default_factory=dict)


Look = Callable[[Tx, _Seen, Place], Coroutine[Any, Any, Piece]]


async def announce_moments(house: House, visit: Visit) -> int:
    """Job: write what time did to requests and exemptions, once each; how many. Touches nothing that decides."""
    told = 0
    async for found in _due(house, visit):
        for start in range(0, len(found), BATCH):
            told += await _tell(house, visit, found[start : start + BATCH])
    return told


async def _due(house: House, visit: Visit) -> AsyncIterator[Found]:
    """What is due and was not told, piece by piece."""
    now = visit.now

    async def waiting(tx: Tx, seen: _Seen, at: Place) -> Piece:
        found, place = await moments.waiting(tx, at, now=now, most=PIECE)
        return [one for each in found for one in await _of(tx, house, visit, each.request, each.exemption, seen)], place

    async def owed(tx: Tx, seen: _Seen, at: Place) -> Piece:
        found, place = await moments.owed(tx, at, most=PIECE)
        return [one for each in found for one in await _of(tx, house, visit, each.request, each.exemption, seen)], place

    async def ending(tx: Tx, seen: _Seen, at: Place) -> Piece:
        found, place = await moments.ending(tx, at, until=after(now, ENDS_SOON), most=PIECE)
        return [(each.id, moment) for each in found if (moment := of_exemption(each, now)) is not None], place

    looks: tuple[tuple[Look, Place], ...] = (
        (ending, Place(now)), (waiting, Place(now)), (owed, Place(Instant(now - OWED_SINCE))),
    )  # fmt: skip
    for look, start in looks:
        place: Place | None = start
        while place is not None:
            found, place = await house.store.survey(_untold(look, place))
            yield found


def _untold(look: Look, at: Place) -> Callable[[Tx], Coroutine[Any, Any, Piece]]:
    """A transaction that looks at one piece and leaves out what was told."""

    async def body(tx: Tx) -> Piece:
        found, place = await look(tx, _Seen(), at)
        told = await moments.told(tx, [moment.key for _, moment in found])
        return [one for one in found if one[1].key not in told], place

    return body


async def _tell(house: House, visit: Visit, found: Found) -> int:
    """Write *found*, unless somebody else did, or it was decided or extended since the look."""

    async def body(tx: Tx) -> int:
        count, seen = 0, _Seen()
        told = await moments.told(tx, [moment.key for _, moment in found])
        for id, moment in found:
            if moment.key in told or moment.key not in await _still(tx, house, visit, id, seen):
                continue
            await moments.mark_moment(tx, moment.key, visit.now)
            await record(tx, visit, Entry(moment.kind, target=f"exemption:{id}", detail=moment.detail))
            count += 1
        return count

    return await house.store.write(body)


async def _of(
    tx: Tx, house: House, visit: Visit, request: Request, exemption: Exemption | None, seen: _Seen
) -> Found:  # fmt: skip
    """Step: what is due of a request that waits, or owes its review."""
    due: list[Moment | None] = [of_review(request, exemption, visit.now)]
    rules = await _rules(tx, request.group, seen) if request.open(visit.now) else None
    if rules is not None:
        matters = who_matters(request, rules, visit.now)
        known = await people(tx, visit, request, seen.people) if matters else {}
        due += of_request(request, rules, known, remind=house.settings.notice_reminder, now=visit.now)
    return [(request.id, moment) for moment in due if moment is not None]


async def _rules(tx: Tx, group: GroupId, seen: _Seen) -> Rules | None:
    """Step: the rules of *group*; None where nobody can read them, which silences no other group."""
    if group not in seen.rules:
        try:
            seen.rules[group] = await current(tx, group)
        except BrokenState as broken:
            _log.error("no reminders of a group", group=group, error=str(broken))
            seen.rules[group] = None
    return seen.rules[group]


async def _still(tx: Tx, house: House, visit: Visit, id: ExemptionId, seen: _Seen) -> set[str]:
    """Step: the keys of what is due of it in this transaction."""
    request, exemption = await requests.find(tx, id), await exemptions.find(tx, id)
    ends = of_exemption(exemption, visit.now) if exemption is not None else None
    due = {ends.key} if ends is not None else set()
    if request is not None:
        due |= {moment.key for _, moment in await _of(tx, house, visit, request, exemption, seen)}
    return due


async def tend_moments(house: House, visit: Visit) -> int:
    """Job: forget old moments; how many."""
    return await house.store.write(lambda tx: moments.forget_moments(tx, Instant(visit.now - KEPT)))
