"""
Whom findings make risky now, as policies with `userRiskLevels` see it; and an administrator's word on whole people: the
account is compromised, or nothing of what was found about it is true.

A person who is confirmed has a finding of their own for that, as at Entra: it counts, ages and is dismissed like every
other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ostiary.core.detections.finding import Severity, State, confirmed_person
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.etag import ANY, Seen, only
from ostiary.core.graph.query import Page, Query
from ostiary.core.graph.risky_user import RiskyUser
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.detections.respond import Effects, answered, tell
from ostiary.services.detections.triage import CAME_AGAIN, FINDING_DISMISSED, alone_may, concerns, say
from ostiary.services.directory.search import FOREIGN_CURSOR
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.store import Tx, detections, directory, responses, risk, stories

__all__ = ["MOST_PEOPLE", "confirm_people", "dismiss_people", "find_risky_user", "list_risky_users"]

MOST_PEOPLE = 60
"""Of one call, as at Graph."""
AT_ONCE = 100
"""Findings of one person that are dismissed in one transaction."""


async def list_risky_users(house: House, visit: Visit, query: Query) -> Page[RiskyUser] | Refused:
    """Everybody who is risky, by id. Refused: a filter or an order, a cursor of another list."""
    if query.filter is not None or query.order is not None:
        return Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")
    after = query.after[0] if query.after else ""
    if not isinstance(after, str):
        return FOREIGN_CURSOR

    async def body(tx: Tx) -> Page[RiskyUser]:
        rows = await risk.risky(tx, after, query.top + 1, visit.now)
        shown = await _named(tx, rows[: query.top])
        return Page(tuple(shown), (shown[-1].id,) if len(rows) > query.top else None)

    return await house.store.survey(body)


async def find_risky_user(house: House, visit: Visit, id: str) -> RiskyUser | Refused:
    """Somebody who is risky. Refused: NOT_FOUND, also for who is not."""

    async def body(tx: Tx) -> RiskyUser | Refused:
        row = await risk.risky_one(tx, id, visit.now)
        if row is None:
            return Refused(Reason.NOT_FOUND)
        return replace((await _named(tx, [row]))[0], version=await risk.version(tx, id, visit.now))

    return await house.store.read(body)


async def _named(tx: Tx, rows: Sequence[risk.Standing]) -> list[RiskyUser]:
    names, none = await stories.names(tx, {row.user for row in rows}), ("", "")
    return [RiskyUser(row.user, row.rank, row.changed, row.confirmed, *names.get(row.user, none)) for row in rows]


async def confirm_people(house: House, visit: Visit, ids: Iterable[str], reason: str = "") -> Refused | None:
    """
    These accounts are compromised: each is at the highest risk, and what policy says of confirmed findings is done to
    all that is theirs. Refused, and nothing done: FORBIDDEN and its kin, INVALID_VALUE for none or too many of them,
    NOT_FOUND for one that is no account, REASON_REQUIRED for a reason that is none.
    """
    wanted, why = _wanted(ids), read_reason(reason) if reason else ""
    effects = Effects()

    async def body(tx: Tx) -> Refused | None:
        effects.codes.clear()  # it may run again
        found = await _people(tx, visit, wanted, why)
        if isinstance(found, Refused):
            return await refuse(tx, visit, Action.TRIAGE_FINDINGS, found, target=_target(wanted))
        for user in found:
            await _confirm(house, tx, visit, user, why if isinstance(why, str) else "", effects)
        return None

    try:
        refused = await house.store.write(body)
    except Stale:  # something of theirs moved meanwhile: nothing was done
        return Refused(Reason.CONFLICT)
    if refused is None:
        await tell(house, effects)
    return refused


async def _confirm(house: House, tx: Tx, visit: Visit, user: User, why: str, effects: Effects) -> None:
    """Step: the finding that says so, new or of today, and what follows from it."""
    number = await tx.number()
    finding = confirmed_person(user.id, visit.now, f"{tx.stream}.{number}")
    kept = await detections.find(tx, finding.id)
    if kept is None:
        await detections.add(tx, finding, visit.now)
        kept = await detections.find(tx, finding.id)
    if kept is None or not await say(tx, visit, kept, State.CONFIRMED, why, number=number):
        raise Stale
    await responses.answer(tx, finding.id, visit.now)  # this is the answer
    await answered(house, tx, visit, kept, effects, confirmed=True)


async def dismiss_people(
    house: House, visit: Visit, ids: Iterable[str], reason: str | None, *, seen: Seen = ANY
) -> Refused | None:
    """
    What was found about these people is harmless: every finding that makes them risky is dismissed, an entry each. A
    reason is needed, but for who comes through a door that has no place for one (None: Graph's own call). Refused as by
    `confirm_people`; also what is about oneself, or about what one did, while there is another administrator: that is
    asked of everybody before anything is dismissed. *seen*: the version of a person (`RiskyUser.version`) that somebody
    had before their eyes when they said so; CONFLICT where something came, or came again, since.
    """
    wanted, why = _wanted(ids), "" if reason is None else read_reason(reason)

    async def judged(tx: Tx) -> Refused | None:
        found = await _people(tx, visit, wanted, why)
        refused = found if isinstance(found, Refused) else None
        if refused is None and await _own(tx, visit, wanted):
            refused = await alone_may(tx)
        if refused is not None:
            return await refuse(tx, visit, Action.TRIAGE_FINDINGS, refused, target=_target(wanted))
        return None

    refused = await house.store.write(judged)
    if refused is not None or isinstance(why, Refused):
        return refused
    try:
        for id in wanted:
            refused = await _dismiss_all(house, visit, id, why, seen)
            if refused is not None:
                return refused
    except Stale:
        return Refused(Reason.CONFLICT)
    return None


async def _own(tx: Tx, visit: Visit, ids: tuple[str, ...]) -> bool:
    """Step: whether anything that would be dismissed is about the caller, or about what the caller did."""
    if visit.caller.user in ids:
        return True
    for id in ids:
        if await risk.counts_by(tx, id, visit.caller.actor, visit.now):
            return True
    return False


async def _dismiss_all(house: House, visit: Visit, id: str, why: str, seen: Seen) -> Refused | None:
    """
    Some at a time, for they are many where there was noise: what is cut off is done by doing it again. Each piece is
    for what the one before it has left of what was *seen*: nothing that comes in between goes with it.
    """
    told: set[str] = set()  # of whom an alert was written, and committed

    async def body(tx: Tx) -> tuple[bool, str, Seen] | Refused:
        if seen != ANY and not seen.allows(await risk.version(tx, id, visit.now)):
            return CAME_AGAIN
        found = [await detections.find(tx, each) for each in await risk.counting(tx, id, AT_ONCE, visit.now)]
        standing = [kept for kept in found if kept is not None]
        own = any(concerns(kept, visit) for kept in standing)
        refused = await alone_may(tx) if own else None
        if refused is not None:
            return await refuse(tx, visit, Action.TRIAGE_FINDINGS, refused, target=f"user:{id}")
        for kept in standing:
            if not await say(tx, visit, kept, State.DISMISSED, why):
                raise Stale
        high = any(kept.finding.severity is Severity.HIGH for kept in standing)
        whom = "themselves" if own else "somebody whom a finding of high severity is about" if high else ""
        if whom and whom not in told:
            text = f"{visit.caller.name} dismissed what was found about {whom}: {why or 'no reason was given'}"
            await alert(tx, visit, about=FINDING_DISMISSED, text=text, target=f"user:{id}")
        left = ANY if seen == ANY else only(await risk.version(tx, id, visit.now))
        return len(found) == AT_ONCE, whom, left

    more = True
    while more:
        piece = await house.store.write(body)
        if isinstance(piece, Refused):
            return piece
        more, whom, seen = piece
        told.add(whom)
    return None


def _wanted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


def _target(ids: tuple[str, ...]) -> str:
    return f"user:{ids[0][:64]}" if len(ids) == 1 else "user:"


async def _people(tx: Tx, visit: Visit, ids: tuple[str, ...], why: str | Refused) -> list[User] | Refused:
    """Step: the accounts, if the caller may say anything of them."""
    may = judge(Action.TRIAGE_FINDINGS, visit.caller, now=visit.now) or why
    if isinstance(may, Refused):
        return may
    if not 1 <= len(ids) <= MOST_PEOPLE:
        return Refused(Reason.INVALID_VALUE, said("Name 1 to %(most)s accounts.", most=MOST_PEOPLE), field="userIds")
    found = [await directory.find(tx, UserId(id)) for id in ids]
    known = [user for user in found if user is not None]
    return known if len(known) == len(ids) else Refused(Reason.NOT_FOUND, "There is no such account.", field="userIds")
