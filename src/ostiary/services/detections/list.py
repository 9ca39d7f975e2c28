"""
Findings as a list, and the rules. A list follows an index, a page at a time, away from sign-ins.
"""

from collections.abc import Sequence

from ostiary.core.detections.finding import Kept
from ostiary.core.detections.rules import RULES
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.finding import COUNTED_FOR, ShownFinding, ShownRule
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections.read import run_detections
from ostiary.services.house import House
from ostiary.services.logs.list import ONLY_AND, place_in, wheres
from ostiary.store import Tx, detections, responses, stories
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
        shown = await _named(tx, rows[: query.top])
        more = (shown[-1].kept.finding.at, shown[-1].kept.finding.id) if len(rows) > query.top else None
        count = await stories.count(tx, "findings", narrowed) if query.count else None
        return Page(tuple(shown), more, count)

    return await house.store.survey(body)


async def find_finding(house: House, visit: Visit, id: str) -> ShownFinding | Refused:
    """One finding."""

    async def body(tx: Tx) -> ShownFinding | Refused:
        kept = await detections.find(tx, id)
        return Refused(Reason.NOT_FOUND) if kept is None else (await _named(tx, [kept]))[0]

    return await house.store.read(body)


async def list_rules(house: House, visit: Visit) -> Page[ShownRule]:
    """Every rule, with what policy says of it where that is for the caller to read."""
    reads_policies = judge(Action.READ_POLICIES, visit.caller, now=visit.now) is None

    async def body(tx: Tx) -> Page[ShownRule]:
        held, policy = await detections.held(tx, Instant(visit.now - days(1))), await responses.policy(tx)
        since, shown = Instant(visit.now - COUNTED_FOR), []
        for rule in RULES:
            count = await detections.found_since(tx, rule.id, since)
            done = policy.of_rule(rule.id, rule.severity) if reads_policies else None
            shown.append(ShownRule(rule, held.get(rule.id, 0), count, done))
        return Page(tuple(shown))

    return await house.store.survey(body)


async def _by_person(tx: Tx, where: Where) -> Where:
    """A finding holds the person's id; a principal name in a filter is looked up."""
    if where.column != "user_name":
        return where
    found = await person(tx, str(where.value)) if where.value is not None else None
    unknown = None if where.value is None else ""  # nobody has the empty id
    return where._replace(column="user", value=found.id if found is not None else unknown)


async def _named(tx: Tx, found: Sequence[Kept]) -> list[ShownFinding]:
    names = await stories.names(tx, {kept.finding.user for kept in found if kept.finding.user})
    return [ShownFinding(kept, *names.get(kept.finding.user or "", ("", ""))) for kept in found]
