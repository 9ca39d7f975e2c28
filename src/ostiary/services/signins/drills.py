"""
Drills (RFC 10027 §6.1, M13): sent by administrators, typed and decided by people, reported to administrators alone.

Nothing here touches a sign-in: no device code is made, no session, no throttle, no alert. Every entry is one of the
drill's own kinds, so no reader takes it for an attack.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.founding import OSTIARY_CLI
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.drill import ShownDrill
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import drill as rules
from ostiary.core.signins.declared import declared
from ostiary.core.signins.drill import Decision, Drill, Status, as_signin, status
from ostiary.core.signins.user_code import ALPHABET, KEY, spaced
from ostiary.core.signins.view import Claimed
from ostiary.core.tokens import scopes
from ostiary.core.words.digests import keyed
from ostiary.core.words.errors import Clash
from ostiary.core.words.ids import AppId, DrillId, GroupId, SessionId, UserId, is_guid
from ostiary.core.words.instants import Instant, Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.directory.search import search
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.services.signins.around import around
from ostiary.store import Tx, directory
from ostiary.store import drills as rows
from ostiary.store import signins as signin_rows

__all__ = ["Begun", "Sent", "Taught", "find_drill", "press", "search_drills", "start_drills", "typed"]

LETTERS = 8
DRAWS = 3
NO_DRILL = Refused(Reason.NOT_FOUND, "There is no such drill.")

_START, _READ = Action.START_DRILL, Action.READ_DRILLS


@dataclass(frozen=True, slots=True)
class Sent:
    """A drill with its code, which is shown this once."""

    shown: ShownDrill
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begun:
    """What one call sent, and who got none and why."""

    sent: tuple[Sent, ...]
    skipped: tuple[tuple[str, str], ...]
    """Principal name and sentence."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A drill that its person decided, and what could be seen; *late*: something else was pressed before."""

    drill: Drill
    application: Application | None
    signs: tuple[str, ...]
    late: bool = False


async def start_drills(house: House, visit: Visit, wish: Mapping[str, Any], reason: str) -> Begun | Refused:
    """
    Make a drill for one person (`user`) or each standing member of a group (`group`).

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, NOT_FOUND, INVALID_VALUE with the field, WRONG_STATE.
    """
    for _ in range(DRAWS):
        drawn = [(DrillId(house.random.guid()), house.random.letters(ALPHABET, LETTERS)) for _ in range(_most(wish))]

        async def body(
            tx: Tx, picture: Picture, drawn: list[tuple[DrillId, str]] = drawn
        ) -> Begun | Refused:  # fmt: skip
            begun = await _begun(house, tx, picture, visit, wish, reason, drawn)
            if isinstance(begun, Refused):
                return await refuse(tx, visit, _START, begun, target="drill:")
            return begun

        try:
            return await settled(house, body)
        except Clash:  # somebody has one of these codes: others are drawn
            continue
    return Refused(Reason.BUSY_SOURCE, "Too many codes are open.")


def _most(wish: Mapping[str, Any]) -> int:
    return rules.MOST_PEOPLE if wish.get("group") else 1


async def _begun(
    house: House, tx: Tx, picture: Picture, visit: Visit, wish: Mapping[str, Any], reason: str,
    drawn: list[tuple[DrillId, str]],
) -> Begun | Refused:  # fmt: skip
    refused = judge(_START, visit.caller, now=visit.now) or _terms(wish, reason)
    client = refused or _client(picture, wish.get("application"))
    if isinstance(client, Refused):
        return client
    people = await _people(tx, wish)
    if isinstance(people, Refused):
        return people
    sent: list[Sent] = []
    skipped: list[tuple[str, str]] = []
    for user, (id, code) in zip(people, drawn, strict=False):
        why_not = await _too_many(tx, user, visit.now)
        if why_not:
            skipped.append((user.principal_name, why_not))
            continue
        drill = _made(picture, visit, wish, reason, user, client, id)
        digest = keyed(house.vault.derived(KEY), code)
        if await signin_rows.by_user_code(tx, digest) is not None:
            raise Clash("a sign-in has this user code")
        await rows.add(tx, drill, user_code=digest)
        await record(tx, visit, _started(drill, user, client))
        sent.append(Sent(ShownDrill(drill, user.principal_name, Status.SENT), spaced(code)))
    return Begun(tuple(sent), tuple(skipped))


def _terms(wish: Mapping[str, Any], reason: str) -> Refused | None:
    if not reason.strip():
        return Refused(Reason.REASON_REQUIRED)
    if bool(wish.get("user")) == bool(wish.get("group")):
        return Refused(Reason.INVALID_VALUE, "One person or one group.", field="userId")
    lasts = wish.get("lasts")
    if lasts is not None and not rules.SHORTEST <= lasts <= rules.LONGEST:
        return Refused(Reason.INVALID_VALUE, "From 5 minutes to 7 days.", field="lifetime")
    fine = not wish.get("address") or _is_address(wish["address"])
    return None if fine else Refused(Reason.INVALID_VALUE, "An IP address is needed.", field="address")


def _is_address(text: str) -> bool:
    try:
        return str(ip_address(text)) == text
    except ValueError:
        return False


def _client(picture: Picture, named: str | None) -> Application | Refused:
    """The application that seems to ask: the one that is named, or the service's own program."""
    if picture.switch.on:
        return Refused(Reason.WRONG_STATE, "The kill switch is on: the pages say that device sign-ins are stopped.")
    found = picture.applications.get(AppId(named or OSTIARY_CLI))
    if found is None or found.admin_api or not found.enabled:
        return Refused(Reason.NOT_FOUND, "There is no such application.", field="appId")
    return found


async def _people(tx: Tx, wish: Mapping[str, Any]) -> list[User] | Refused:
    """Step: who gets one; accounts that are switched off get none."""
    if wish.get("group"):
        found = await rows.members(tx, GroupId(wish["group"]), most=rules.MOST_PEOPLE + 1)
        if len(found) > rules.MOST_PEOPLE:
            return Refused(Reason.INVALID_VALUE, f"At most {rules.MOST_PEOPLE} people at once.", field="groupId")
        people = [user for user in found if user.enabled]
        return people or Refused(Reason.NOT_FOUND, "Nobody is a standing member of such a group.", field="groupId")
    name = str(wish["user"])
    user = await (directory.find(tx, UserId(name)) if is_guid(name) else directory.find_named(tx, normal_name(name)))
    if user is None or not user.enabled:
        return Refused(Reason.NOT_FOUND, "There is no such user.", field="userId")
    return [user]


async def _too_many(tx: Tx, user: User, now: Instant) -> str:
    """Step: why *user* gets no further one now; empty when nothing is in the way."""
    if await rows.is_open(tx, user.id, now):
        return "has a drill that is still open"
    if await rows.sent(tx, user.id, since=after(now, Span(-rules.WITHIN))) >= rules.MOST:
        return f"had {rules.MOST} drills in 30 days"
    return ""


def _made(
    picture: Picture, visit: Visit, wish: Mapping[str, Any], reason: str, user: User, client: Application, id: DrillId
) -> Drill:
    resource, names = _tempting(picture, client)
    return Drill(
        id=id,
        user=user.id,
        client=client.id,
        resource=resource.id,
        scopes=(*names, "offline_access"),
        address=wish.get("address") or rules.PRETENDED,
        declared=declared(machine=wish.get("machine") or "build-07", reason=wish.get("pretext") or "finish the setup"),
        why=tame(reason),
        by=visit.caller.actor,
        created=visit.now,
        ends=after(visit.now, wish.get("lasts") or rules.USUAL),
    )


def _tempting(picture: Picture, client: Application) -> tuple[Application, tuple[str, ...]]:
    """What its page says that it may do: what a code of *client* could get at the resource that gives most."""
    given = [
        (found, scopes.default_scopes(picture, client, found, device=True))
        for (asking, resource) in picture.consents
        if asking == client.id and (found := picture.applications.get(resource)) is not None and found.enabled
    ]
    own = picture.applications[scopes.ADMIN_API]
    return max(given, key=lambda pair: (len(pair[1]), pair[0].id), default=(own, ()))


def _started(drill: Drill, user: User, client: Application) -> Entry:
    detail = {
        "drill": True, "user": user.id, "user_name": user.principal_name, "client": client.id,
        "client_name": tame(client.name), "resource": drill.resource, "scopes": list(drill.scopes), "ends": drill.ends,
        "source": drill.address, "reason": drill.why,
    }  # fmt: skip
    return Entry(Kind.DRILL_STARTED, target=f"user:{user.id}", story=drill.id, detail=detail)


# ---- the person


async def typed(
    tx: Tx, visit: Visit, picture: Picture, drill: Drill | None, user: UserId, browser: SessionId
) -> Claimed | None:  # fmt: skip
    """Step: *user* typed the code of *drill*; None when that is none of theirs, or over: a wrong code as any other."""
    if drill is None or drill.user != user or not drill.open(visit.now):
        return None
    if not await rows.type_code(tx, drill.id, browser=browser, now=visit.now):
        return None
    page = await _page(tx, visit, picture, replace(drill, typed=drill.typed or visit.now, browser=browser))
    if page is not None and drill.typed is None:
        detail = {"drill": True, "user": user}
        await record(tx, visit, Entry(Kind.DRILL_TYPED, target=f"user:{user}", story=drill.id, detail=detail))
    return page


async def press(house: House, visit: Visit, id: DrillId, wanted: str) -> Claimed | Taught | Refused:
    """
    What *wanted* (`denied`, `reported`, `approved`; anything else only looks) does to the drill *id* in the browser
    that typed its code. Gives nothing to anybody, whatever it is.

    Refused: WRONG_STATE when there is no such drill of this browser.
    """
    decision = Decision(wanted) if wanted in (each.value for each in Decision) else None

    async def body(tx: Tx, picture: Picture) -> Claimed | Taught | Refused:
        drill, user, browser = await rows.find(tx, id), visit.caller.user, visit.caller.session
        mine = drill is not None and browser is not None and (drill.user, drill.browser) == (user, browser)
        if drill is None or browser is None or not mine:
            return Refused(Reason.WRONG_STATE)
        if drill.open(visit.now) and decision is None:
            return await _page(tx, visit, picture, drill) or Refused(Reason.WRONG_STATE)
        if decision is not None and await rows.decide(tx, id, decision, browser=browser, now=visit.now):
            detail = {"drill": True, "user": drill.user, "decision": decision.value}
            await record(tx, visit, Entry(Kind.DRILL_DECIDED, target=f"user:{user}", story=id, detail=detail))
            return await _lesson(tx, visit, picture, replace(drill, decision=decision, decided=visit.now), late=False)
        if drill.decision is None:  # ran out
            return Refused(Reason.WRONG_STATE)
        return await _lesson(tx, visit, picture, drill, late=decision not in (None, drill.decision))

    return await settled(house, body, write=decision is not None)


async def _page(tx: Tx, visit: Visit, picture: Picture, drill: Drill) -> Claimed | None:
    """Step: what the approval page shows; None when client or resource are gone meanwhile."""
    application, resource = picture.applications.get(drill.client), picture.applications.get(drill.resource)
    if application is None or resource is None:
        return None
    signin = as_signin(drill, visit.now)
    names = tuple(scope for scope in resource.scopes if scope.value in drill.scopes)
    odd = await around(tx, visit, picture, signin, drill.user)
    return Claimed(signin, application, resource, names, (), offline=True, around=odd)


async def _lesson(tx: Tx, visit: Visit, picture: Picture, drill: Drill, *, late: bool) -> Taught:
    odd = await around(tx, visit, picture, as_signin(drill, visit.now), drill.user)
    return Taught(drill, picture.applications.get(drill.client), rules.signs(odd), late)


# ---- administrators


async def search_drills(house: House, visit: Visit, query: Query) -> Page[ShownDrill] | Refused:
    """Drills, the newest first: for administrators alone."""
    found = await search(house, visit, rows.DRILLS, query, action=_READ)
    if isinstance(found, Refused):
        return found
    items = tuple(ShownDrill(drill, name, status(drill, visit.now)) for drill, name in found.items)
    return Page(items, found.next, found.count)


async def find_drill(house: House, visit: Visit, id: str) -> ShownDrill | Refused:
    """One drill."""
    refused = judge(_READ, visit.caller, now=visit.now)

    async def body(tx: Tx) -> ShownDrill | Refused:
        found = None if refused else await rows.find_named(tx, DrillId(id))
        if found is None:
            return refused or NO_DRILL
        return ShownDrill(*found, status(found[0], visit.now))

    return await house.store.read(body)
