"""
The moments that no entry marks: looked for at *now*, written into the journal once each; the reader makes notices of
them as of any other entry. What was told is remembered by its key, in the transaction of the entry.
"""

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Rules
from ostiary.core.logs.entry import Entry
from ostiary.core.notices.moments import ENDS_SOON, Moment, of_exemption, of_request, of_review
from ostiary.core.words.ids import ExemptionId, GroupId
from ostiary.core.words.instants import Instant, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.decide import people
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, notices, requests
from ostiary.store.requests import TOP, Which

__all__ = ["announce_moments", "tend_moments"]

MOST = 500  # rows of each sort that one run looks at
KEPT = days(90)
"""How long a moment is remembered: longer than anything that has one can last."""

Found = list[tuple[ExemptionId, Moment]]


async def announce_moments(house: House, visit: Visit) -> int:
    """Job: write what time did to requests and exemptions, once each; how many. Touches nothing that decides."""

    async def look(tx: Tx) -> Found:
        return [one for one in await _due(tx, house, visit) if not await notices.was_told(tx, one[1].key)]

    found = await house.store.survey(look)
    if not found:
        return 0

    async def body(tx: Tx) -> int:
        told = 0
        for id, moment in found:
            if await notices.was_told(tx, moment.key) or moment.key not in await _still(tx, house, visit, id):
                continue
            await notices.mark_moment(tx, moment.key, visit.now)
            await record(tx, visit, Entry(moment.kind, target=f"exemption:{id}", detail=moment.detail))
            told += 1
        return told

    return await house.store.write(body)


async def _due(tx: Tx, house: House, visit: Visit) -> Found:
    """Step: everything that is due, told or not."""
    rules: dict[GroupId, Rules] = {}
    found = Found()
    for which in (Which.WAITING, Which.OWED):
        for asked in await requests.page(tx, user=None, which=which, now=visit.now, after=TOP, most=MOST):
            group = asked.request.group
            if group not in rules:
                rules[group] = await current(tx, group)
            found += await _of(tx, house, visit, asked.request, asked.exemption, rules[group])
    for exemption in await notices.ending(tx, now=visit.now, until=after(visit.now, ENDS_SOON), most=MOST):
        found += [(exemption.id, moment) for moment in (of_exemption(exemption, visit.now),) if moment is not None]
    return found


async def _of(tx: Tx, house: House, visit: Visit, request: Request, exemption: Exemption | None, rules: Rules) -> Found:
    """Step: what is due of a request that waits, or owes its review."""
    known = await people(tx, visit, request)
    due: list[Moment | None] = [
        *of_request(request, rules, known, remind=house.settings.notice_reminder, now=visit.now),
        of_review(request, exemption, visit.now),
    ]
    return [(request.id, moment) for moment in due if moment is not None]


async def _still(tx: Tx, house: House, visit: Visit, id: ExemptionId) -> set[str]:
    """Step: the keys of what is due of it in this transaction: it may have been decided or extended since the look."""
    request, exemption = await requests.find(tx, id), await exemptions.find(tx, id)
    ends = of_exemption(exemption, visit.now) if exemption is not None else None
    due = {ends.key} if ends is not None else set()
    if request is not None:
        rules = await current(tx, request.group)
        due |= {moment.key for _, moment in await _of(tx, house, visit, request, exemption, rules)}
    return due


async def tend_moments(house: House, visit: Visit) -> int:
    """Job: forget old moments; how many."""
    return await house.store.write(lambda tx: notices.forget_moments(tx, Instant(visit.now - KEPT)))
