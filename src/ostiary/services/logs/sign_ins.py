"""
The sign-in log as a list, and one sign-in of it.

Every filter is answered in pages that look at a bounded number of rows (`store/sign_in_pages.py`). Lists read away from
sign-ins, within a time limit, and catch up with the journal first.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.graph.audit import read_audit_id
from ostiary.core.graph.exemption_request import Asking
from ostiary.core.graph.query import Page, Query
from ostiary.core.graph.signin_filter import MOST_VALUES, NOTHING, Between, Condition, Place, between, conditions
from ostiary.core.graph.signin_story import Whole, whole
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.refreshes import of_refresh
from ostiary.core.logs.steps import steps
from ostiary.core.logs.telling import Outcome, Telling, tell
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.list import place_in
from ostiary.services.logs.refreshes import of_refreshes, refresh_page
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, requests, sign_in_pages, stories
from ostiary.store.exemptions import person
from ostiary.store.stories import Life

__all__ = ["signin", "signin_story", "signins"]


async def signins(house: House, visit: Visit, query: Query) -> Page[Telling] | Refused:
    """
    Sign-ins, the latest first; a page may be short of what was asked and still go on.

    Refused: a filter beyond what `conditions` reads, a principal name that begins too many, a cursor of another list,
    a count of more than is counted.
    """
    asked = conditions(query.filter)
    if asked is None:
        return _TOO_MUCH
    rising = query.order is not None and not query.order.descending
    within, others = between(asked)
    of_them = of_refreshes(others)
    if of_them is not None:
        return of_them if isinstance(of_them, Refused) else await _refreshes(house, visit, query, of_them, within)
    after = place_in(query.after, str)
    if isinstance(after, Refused):
        return after
    await catch_up(house, visit)

    async def body(tx: Tx) -> Page[Telling] | Refused:
        wheres = await _by_people(tx, others)
        if isinstance(wheres, Refused):
            return wheres
        count = await sign_in_pages.count(tx, wheres, within) if query.count else None
        if query.count and count is None:
            return _UNCOUNTED
        page = await sign_in_pages.page(tx, wheres, _behind(within, after, rising), most=query.top, rising=rising)
        told = [tell(row, visit.now) for row in page.stories]
        return Page(await _completed(tx, house.desk.picture, told, visit.now), page.more, count)

    return await house.store.survey(body)


async def _refreshes(
    house: House, visit: Visit, query: Query, others: list[Condition], within: Between
) -> Page[Telling] | Refused:
    """Each refresh by itself; they are never counted."""
    rising = query.order is not None and not query.order.descending
    after = place_in(query.after, int)
    if query.count or isinstance(after, Refused):
        return after if isinstance(after, Refused) else _UNCOUNTED

    async def body(tx: Tx) -> Page[Telling] | Refused:
        wheres = await _by_people(tx, others)
        if isinstance(wheres, Refused):
            return wheres
        told, more = await refresh_page(tx, wheres, within, after, most=query.top, rising=rising, now=visit.now)
        return Page(await _completed(tx, house.desk.picture, told, visit.now), more)

    return await house.store.survey(body)


async def signin(house: House, visit: Visit, id: str) -> Telling | Refused:
    """One sign-in, as lists show it."""
    found = await signin_story(house, visit, id)
    return found if isinstance(found, Refused) else found.telling


async def signin_story(house: House, visit: Visit, id: str) -> Whole | Refused:
    """One sign-in with every step, from the request for its exemption to the end of what it gave."""
    await catch_up(house, visit)

    async def body(tx: Tx) -> Whole | Refused:
        kept = await stories.load(tx, id)
        if kept is None:
            return await _refresh(tx, house.desk.picture, visit.now, id)
        telling = await _complete(tx, house.desk.picture, tell(kept.story, visit.now), visit.now)
        asked = await requests.show(tx, ExemptionId(telling.exemption)) if telling.exemption else None
        asking = None
        if asked is not None:
            asking = Asking(asked.request, asked.exemption, asked.principal_name, asked.display_name, visit.now)
        return whole(telling, steps(kept.story), asking)

    return await house.store.read(body)


async def _refresh(tx: Tx, picture: Picture, now: Instant, id: str) -> Whole | Refused:
    """A refresh, by the place of its entry."""
    place = read_audit_id(id)
    entry = await stories.entry(tx, *place) if place is not None else None
    if entry is None or entry.kind not in (Kind.REFRESHED, Kind.REFRESH_REFUSED):
        return Refused(Reason.NOT_FOUND)
    return whole(await _complete(tx, picture, of_refresh(entry, now), now), [], None)


# ---- from a query to conditions

_TOO_MUCH = Refused(
    Reason.INVALID_VALUE,
    said(
        "Comparisons joined by `and` are supported here, and `or` or `in` between up to %(most)s values of one "
        "property.",
        most=MOST_VALUES,
    ),
    field="$filter",
)
_UNCOUNTED = Refused(
    Reason.INVALID_VALUE,
    said(
        "More than %(counted)s sign-ins, or more than %(looked)s to be looked at one by one: narrow createdDateTime, "
        "or do not count.",
        counted=sign_in_pages.COUNTED,
        looked=sign_in_pages.LOOK,
    ),
    field="$count",
)
_MANY_NAMES = Refused(
    Reason.INVALID_VALUE,
    said("More than %(most)s accounts begin so: give more of the name.", most=MOST_VALUES),
    field="$filter",
)


def _behind(within: Between, after: stories.Place | None, rising: bool) -> Between:
    if after is None:
        return within
    place = Place(after.at, str(after.id))
    return (
        within._replace(above=max(place, within.above)) if rising else within._replace(below=min(place, within.below))
    )


async def _by_people(tx: Tx, asked: list[Condition]) -> list[Condition] | Refused:
    """*asked* in columns that stories have."""
    found = [await _by_person(tx, one) for one in asked]
    refused = next((one for one in found if isinstance(one, Refused)), None)
    return refused or [one for one in found if isinstance(one, Condition)]


async def _by_person(tx: Tx, where: Condition) -> Condition | Refused:
    """
    A story's column holds the person's id: a principal name in a filter is looked up among the accounts that there are.
    """
    if where.column != "user_name":
        return where
    if where.values == (None,) or where.op not in ("eq", "starts"):
        return where._replace(column="user") if where.values == (None,) else _TOO_MUCH
    if where.op == "starts":
        ids = await stories.beginning(tx, str(where.values[0]).lower(), MOST_VALUES + 1)
        if len(ids) > MOST_VALUES:
            return _MANY_NAMES
    else:
        found = [await person(tx, str(name)) for name in where.values]
        ids = [one.id for one in found if one is not None]
    return Condition("user", "eq", tuple(ids)) if ids else NOTHING


# ---- what the journal does not say


async def _completed(tx: Tx, picture: Picture, told: list[Telling], now: Instant) -> tuple[Telling, ...]:
    """Step: *told* with names as they are now where the entries gave none, and what became of the sessions."""
    names = await stories.names(tx, {telling.user for telling in told if telling.user})
    lives = await stories.lives(tx, {telling.session for telling in told if telling.session})
    return tuple(_with(picture, one, names.get(one.user or ""), lives.get(one.session or ""), now) for one in told)


async def _complete(tx: Tx, picture: Picture, telling: Telling, now: Instant) -> Telling:
    return (await _completed(tx, picture, [telling], now))[0]


def _with(
    picture: Picture, telling: Telling, names: tuple[str, str] | None, life: Life | None, now: Instant
) -> Telling:
    ended, cause = (telling.ended, telling.end_cause) if life is None else _end(telling, life, now)
    return telling._replace(
        user_name=telling.user_name or (names[0] if names else ""),
        user_display_name=names[1] if names else telling.user_display_name,
        client_name=telling.client_name or _application(picture, telling.client),
        resource_name=_application(picture, telling.resource),
        ends=_ends(telling, life),
        ended=ended,
        end_cause=cause,
        tenant=picture.organisation.tenant,
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
