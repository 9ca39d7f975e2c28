"""
The logs as lists: sign-ins, and changes with who made them and why.

Filters are comparisons joined by `and`, each over a column with an index; a page goes on where the last one ended.
Lists read away from sign-ins, within a time limit, and catch up with the journal first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ostiary.core.access.picture import Picture
from ostiary.core.graph.audit import Audit, audit_id, read_audit_id
from ostiary.core.graph.query import And, Compare, Cursor, Expression, Page, Query
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.story import belongs
from ostiary.core.logs.telling import Outcome, Telling, tell
from ostiary.core.words.ids import AppId, SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, stories
from ostiary.store.exemptions import person
from ostiary.store.stories import Life, Place, Where


async def signins(house: House, visit: Visit, query: Query) -> Page[Telling] | Refused:
    """Sign-ins, the latest first. Refused: a filter beyond comparisons joined by `and`, a cursor of another list."""
    asked, after = _wheres(query.filter), _place(query.after, str)
    if asked is None or isinstance(after, Refused):
        return after if isinstance(after, Refused) else _ONLY_AND
    await catch_up(house, visit)
    rising = query.order is not None and not query.order.descending

    async def body(tx: Tx) -> Page[Telling]:
        wheres = [await _by_person(tx, where) for where in asked]
        rows = await stories.story_page(tx, wheres, after=after, most=query.top + 1, rising=rising)
        told = [await _complete(tx, house.desk.picture, tell(row, visit.now), visit.now) for row in rows[: query.top]]
        more = (told[-1].started, told[-1].id) if len(rows) > query.top else None
        count = await stories.count(tx, "stories", wheres) if query.count else None
        return Page(tuple(told), more, count)

    return await house.store.survey(body)


async def signin(house: House, visit: Visit, id: str) -> Telling | Refused:
    """One sign-in."""
    await catch_up(house, visit)

    async def body(tx: Tx) -> Telling | Refused:
        kept = await stories.load(tx, id)
        if kept is None:
            return Refused(Reason.NOT_FOUND)
        return await _complete(tx, house.desk.picture, tell(kept.story, visit.now), visit.now)

    return await house.store.read(body)


async def audits(house: House, visit: Visit, query: Query) -> Page[Audit] | Refused:
    """Changes and what administrators should know, the latest first. Refused as `signins`."""
    asked, after = _wheres(query.filter), _place(query.after, int)
    if asked is None or isinstance(after, Refused):
        return after if isinstance(after, Refused) else _ONLY_AND
    rising = query.order is not None and not query.order.descending

    async def body(tx: Tx) -> Page[Audit]:
        rows = await stories.audit_page(tx, asked, after=after, most=query.top + 1, rising=rising)
        shown = [await _named(tx, row) for row in rows[: query.top]]
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
        return await _named(tx, found)

    return await house.store.read(body)


# ---- from a query to conditions

_ONLY_AND = Refused(Reason.INVALID_VALUE, "Only comparisons joined by `and` are supported here.", field="$filter")
_NOBODY = Where("user", "eq", "")  # no story's person has the empty id


def _wheres(expression: Expression | None) -> list[Where] | None:
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


def _place(after: Cursor | None, kind: type) -> Place | None | Refused:
    """Where the page goes on; *kind* is the type of the list's ids."""
    if after is None:
        return None
    at, id = (*after, None, None)[:2]
    if len(after) == 2 and isinstance(at, int) and abs(at) < 2**63 and isinstance(id, str | int) and type(id) is kind:
        return Place(at, id)
    return Refused(Reason.INVALID_VALUE, "Use the address in @odata.nextLink as it is.", field="$skiptoken")


async def _by_person(tx: Tx, where: Where) -> Where:
    """A story's column holds the person's id; a principal name in a filter is looked up."""
    if where.column != "user_name":
        return where
    if where.value is None:
        return where._replace(column="user")
    found = await person(tx, str(where.value))
    return where._replace(column="user", value=found.id) if found is not None else _NOBODY


# ---- what the journal does not say


async def _complete(tx: Tx, picture: Picture, telling: Telling, now: Instant) -> Telling:
    """Names as they are now where the entries gave none, and what became of the session."""
    names = await stories.names(tx, UserId(telling.user)) if telling.user else None
    life = await stories.life(tx, SessionId(telling.session)) if telling.session else None
    ended, cause = (telling.ended, telling.end_cause) if life is None else _end(telling, life, now)
    return replace(
        telling,
        user_name=telling.user_name or (names[0] if names else ""),
        user_display_name=names[1] if names else telling.user_display_name,
        client_name=telling.client_name or _application(picture, telling.client),
        resource_name=_application(picture, telling.resource),
        ends=_ends(telling, life),
        ended=ended,
        end_cause=cause,
    )


def _application(picture: Picture, id: str | None) -> str:
    found = picture.applications.get(AppId(id)) if id else None
    return found.name if found else ""


def _ends(telling: Telling, life: Life | None) -> Instant | None:
    if life is None or telling.outcome is not Outcome.SUCCESS:
        return telling.ends
    return min(life.ends, life.exemption_ends or life.ends)


def _end(telling: Telling, life: Life, now: Instant) -> tuple[Instant | None, str]:
    """The earliest of all that ended it, with its cause; liveness is derived, so is this (R8)."""
    found: list[tuple[Instant, str]] = []
    if telling.ended is not None:
        found.append((telling.ended, telling.end_cause))
    if life.ended is not None:
        found.append((life.ended, life.end_cause or "ended"))
    if life.exemption_ended is not None:
        found.append((life.exemption_ended, f"exemption_{life.exemption_cause or 'ended'}"))
    if life.epoch is not None and life.epoch > life.created:
        found.append((life.epoch, "sessions_revoked" if life.enabled else "account_disabled"))
    for moment, cause in ((life.exemption_ends, "exemption_ran_out"), (life.ends, "ran_out"), (life.idle_ends, "idle")):
        if moment is not None and moment <= now:
            found.append((moment, cause))
    return min(found) if found else (None, "")


async def _named(tx: Tx, entry: Recorded) -> Audit:
    actor, target = entry.actor.partition("user:")[2], entry.target.partition("user:")[2]
    names: Mapping[str, tuple[str, str]] = {
        id: found for id in {actor, target} - {""} if (found := await stories.names(tx, UserId(id))) is not None
    }
    none = ("", "")
    return Audit(entry, names.get(actor, none)[0], names.get(target, none)[0])
