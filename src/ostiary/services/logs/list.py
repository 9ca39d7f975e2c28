"""
The directory audits as a list: changes with who made them and why. The sign-ins: `sign_ins.py`.

Filters are comparisons joined by `and`, each over a column with an index; a page goes on where the last one ended.
Lists read away from sign-ins, within a time limit.
"""

from collections.abc import Iterator, Sequence

from ostiary.core.graph.audit import Audit, audit_id, read_audit_id
from ostiary.core.graph.query import And, Compare, Cursor, Expression, Page, Query
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.story import belongs
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, stories
from ostiary.store.stories import Place, Where


async def audits(house: House, visit: Visit, query: Query) -> Page[Audit] | Refused:
    """Changes and what administrators should know, the latest first. Refused as `signins`."""
    asked, after = wheres(query.filter), place_in(query.after, int)
    if asked is None or isinstance(after, Refused):
        return after if isinstance(after, Refused) else ONLY_AND
    rising = query.order is not None and not query.order.descending

    async def body(tx: Tx) -> Page[Audit]:
        rows = await stories.audit_page(tx, asked, after=after, most=query.top + 1, rising=rising)
        shown = await _named(tx, rows[: query.top])
        more = (shown[-1].entry.at, shown[-1].entry.position) if len(rows) > query.top else None
        count = await stories.count(tx, "audits", asked) if query.count else None
        return Page(tuple(shown), more, count)

    return await house.store.survey(body)


async def audit(house: House, visit: Visit, id: str) -> Audit | Refused:
    """One change."""
    place = read_audit_id(id)

    async def body(tx: Tx) -> Audit | Refused:
        found = await stories.entry(tx, *place) if place is not None else None
        if found is None or belongs(found.kind) or audit_id(found) != id:
            return Refused(Reason.NOT_FOUND)
        return (await _named(tx, [found]))[0]

    return await house.store.read(body)


# ---- from a query to conditions

ONLY_AND = Refused(Reason.INVALID_VALUE, "Only comparisons joined by `and` are supported here.", field="$filter")


def wheres(expression: Expression | None) -> list[Where] | None:
    """The comparisons, or None when there is something else among them."""
    found = list(_parts(expression))
    return None if None in found else [where for where in found if where is not None]


def _parts(expression: Expression | None) -> Iterator[Where | None]:
    match expression:
        case None:
            return
        case And(left, right):
            yield from _parts(left)
            yield from _parts(right)
        case Compare(column, op, value):
            yield Where(column, op, value)
        case _:
            yield None


def place_in(after: Cursor | None, kind: type) -> Place | None | Refused:
    """Where the page goes on; *kind* is the type of the list's ids."""
    if after is None:
        return None
    at, id = (*after, None, None)[:2]
    if len(after) == 2 and type(at) is int and abs(at) < 2**63 and isinstance(id, str | int) and type(id) is kind:
        return Place(at, id)
    return Refused(Reason.INVALID_VALUE, "Use the address in @odata.nextLink as it is.", field="$skiptoken")


# ---- what the journal does not say


async def _named(tx: Tx, entries: Sequence[Recorded]) -> list[Audit]:
    sides = [(entry.actor.partition("user:")[2], entry.target.partition("user:")[2]) for entry in entries]
    names, none = await stories.names(tx, {id for pair in sides for id in pair if id}), ("", "")
    return [
        Audit(entry, names.get(actor, none)[0], names.get(target, none)[0])
        for entry, (actor, target) in zip(entries, sides, strict=True)
    ]
