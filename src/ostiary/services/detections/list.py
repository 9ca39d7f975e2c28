"""
Findings as a list, and the rules. A list follows an index, a page at a time, away from sign-ins.
"""

from ostiary.core.detections.finding import Kept
from ostiary.core.detections.rules import RULES
from ostiary.core.graph.finding import ShownFinding, ShownRule
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections.read import run_detections
from ostiary.services.house import House
from ostiary.services.logs.list import ONLY_AND, place_in, wheres
from ostiary.store import Tx, detections, stories
from ostiary.store.exemptions import person
from ostiary.store.stories import Where

__all__ = ["find_finding", "list_findings", "list_rules"]

CAUGHT_UP = 20
"""Batches of the journal that a list reads before it answers; a reader that is further behind is not waited for."""


async def list_findings(house: House, visit: Visit, query: Query) -> Page[ShownFinding] | Refused:
    """
    Findings, the latest first, after all that was written until now was looked at. Refused: a filter beyond comparisons
    joined by `and`, a cursor of another list.
    """
    asked, after = wheres(query.filter), place_in(query.after, str)
    if asked is None or isinstance(after, Refused):
        return after if isinstance(after, Refused) else ONLY_AND
    await run_detections(house, visit, most=CAUGHT_UP)
    rising = query.order is not None and not query.order.descending

    async def body(tx: Tx) -> Page[ShownFinding]:
        narrowed = [await _by_person(tx, where) for where in asked]
        rows = await detections.page(tx, narrowed, after=after, most=query.top + 1, rising=rising)
        shown = tuple([await _named(tx, row) for row in rows[: query.top]])
        more = (shown[-1].kept.finding.at, shown[-1].kept.finding.id) if len(rows) > query.top else None
        count = await stories.count(tx, "findings", narrowed) if query.count else None
        return Page(shown, more, count)

    return await house.store.survey(body)


async def find_finding(house: House, visit: Visit, id: str) -> ShownFinding | Refused:
    """One finding."""

    async def body(tx: Tx) -> ShownFinding | Refused:
        kept = await detections.find(tx, id)
        return Refused(Reason.NOT_FOUND) if kept is None else await _named(tx, kept)

    return await house.store.read(body)


async def list_rules(house: House, visit: Visit) -> Page[ShownRule]:
    """Every rule."""

    async def body(tx: Tx) -> dict[str, int]:
        return await detections.held(tx, Instant(visit.now - days(1)))

    held = await house.store.read(body)
    return Page(tuple(ShownRule(rule, held.get(rule.id, 0)) for rule in RULES))


async def _by_person(tx: Tx, where: Where) -> Where:
    """A finding holds the person's id; a principal name in a filter is looked up."""
    if where.column != "user_name":
        return where
    found = await person(tx, str(where.value)) if where.value is not None else None
    unknown = None if where.value is None else ""  # nobody has the empty id
    return where._replace(column="user", value=found.id if found is not None else unknown)


async def _named(tx: Tx, kept: Kept) -> ShownFinding:
    names = await stories.names(tx, UserId(kept.finding.user)) if kept.finding.user else None
    return ShownFinding(kept, *(names or ("", "")))
