"""
Who is eligible: given and taken by administrators, seen by its own person, lost with the account or by a review.

Losing it ends what waits and what it opened, at once; what an administrator opened directly has nothing to do with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.access.picture import Picture
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.eligibility import Eligibility, Loss, bounded_end, unused
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH
from ostiary.core.exemptions.request import Act
from ostiary.core.graph.exemption import id_in
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, settled, touch
from ostiary.services.directory.people import end_requests
from ostiary.services.exemptions.ending import end
from ostiary.services.exemptions.narrowing import asked, whose
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, eligibilities, exemptions, requests
from ostiary.store.eligibilities import Eligible
from ostiary.store.exemptions import Person, person

__all__ = ["Wanted", "find_eligibility", "give_eligibility", "list_eligibilities", "lose", "take_eligibility"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An eligibility that is to be given."""

    principal: str
    reason: str
    starts: Instant | None = None
    ends: Instant | None = None
    """None: for good, if the rules allow that."""
    instead: bool = False
    """In place of what the person has (`adminUpdate`, `adminExtend`); else having one is a conflict."""


async def give_eligibility(house: House, visit: Visit, wanted: Wanted) -> Eligible | Refused:
    """
    Make somebody eligible.

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE (disabled; longer than the rules allow), REASON_REQUIRED,
    CONFLICT when they are eligible already.
    """
    new = ExemptionId(house.random.guid())

    async def body(tx: Tx, picture: Picture) -> Eligible | Refused:
        made = await _made(tx, visit, picture, wanted, new)
        if isinstance(made, Refused):
            target = f"user:{wanted.principal[:PRINCIPAL_LENGTH]}"
            return await refuse(tx, visit, Action.WRITE_ELIGIBILITY, made, target=target)
        eligibility, whose = made
        for old in await eligibilities.of(tx, whose.id, picture.exception_group, visit.now):
            if not await eligibilities.end(tx, old.id, now=visit.now, loss=Loss.REPLACED, by=visit.caller.actor):
                return Refused(Reason.CONFLICT)
        await eligibilities.add(tx, eligibility)
        detail = {
            "user": whose.id,
            "user_name": whose.principal_name,
            "reason": tame(eligibility.reason),
            "starts": eligibility.starts,
            "ends": eligibility.ends or 0,
        }
        await record(tx, visit, Entry(Kind.ELIGIBILITY_GIVEN, target=f"eligibility:{new}", detail=detail))
        await touch(tx, OPENINGS)
        return await _again(tx, new)

    return await settled(house, body)


async def _made(
    tx: Tx, visit: Visit, picture: Picture, wanted: Wanted, new: ExemptionId
) -> tuple[Eligibility, Person] | Refused:
    """Step: what is wanted, if it may be had."""
    why = judge(Action.WRITE_ELIGIBILITY, visit.caller, now=visit.now) or read_reason(
        wanted.reason, field="justification"
    )
    if isinstance(why, Refused):
        return why
    whose = await person(tx, wanted.principal) if len(wanted.principal) <= PRINCIPAL_LENGTH else None
    if whose is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")
    if not whose.enabled:
        return Refused(Reason.INVALID_VALUE, "The account is disabled.", field="principalId")
    group, starts = picture.exception_group, max(visit.now, wanted.starts or visit.now)
    ends = bounded_end(await current(tx, group), starts, wanted.ends)
    if isinstance(ends, Refused):
        return ends
    if not wanted.instead and await eligibilities.of(tx, whose.id, group, visit.now):
        return Refused(Reason.CONFLICT, "This person is eligible already; change or remove that.")
    return Eligibility(new, whose.id, group, why, starts, ends, visit.now, visit.caller.actor), whose


async def take_eligibility(
    house: House, visit: Visit, *, id: str = "", principal: str = "", reason: str = ""
) -> Eligible | Refused:
    """
    End one eligibility, by its id or its person's; requests and exemptions that it gave end with it.

    Refused: FORBIDDEN and its kin, NOT_FOUND, REASON_REQUIRED, CONFLICT when it was over.
    """

    async def body(tx: Tx, picture: Picture) -> Eligible | Refused:
        why = judge(Action.WRITE_ELIGIBILITY, visit.caller, now=visit.now) or read_reason(reason, field="justification")
        if isinstance(why, Refused):
            target = f"eligibility:{(id or principal)[:64]}"
            return await refuse(tx, visit, Action.WRITE_ELIGIBILITY, why, target=target)
        found = await _named(tx, visit, picture, id, principal)
        if isinstance(found, Refused):
            return found
        if not await lose(tx, visit, found, Loss.REMOVED, why):
            return Refused(Reason.CONFLICT, "It is over already.")
        return await _again(tx, found.id)

    return await settled(house, body)


async def _named(tx: Tx, visit: Visit, picture: Picture, id: str, principal: str) -> Eligibility | Refused:
    if id:
        shown = await eligibilities.show(tx, id_in(id))
        return shown.eligibility if shown is not None else Refused(Reason.NOT_FOUND)
    whose = await person(tx, principal) if len(principal) <= PRINCIPAL_LENGTH else None
    if whose is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")
    found = await eligibilities.of(tx, whose.id, picture.exception_group, visit.now)
    return found[0] if found else Refused(Reason.CONFLICT, "This person is not eligible.")


async def lose(tx: Tx, visit: Visit, eligibility: Eligibility, loss: Loss, reason: str) -> bool:
    """
    Step: *eligibility* ends, and with it what waits and what was opened by asking. False: it was over already.
    """
    if not await eligibilities.end(tx, eligibility.id, now=visit.now, loss=loss, by=visit.caller.actor):
        return False
    detail: dict[str, object] = {"user": eligibility.user, "loss": loss.value, "reason": tame(reason)}
    await record(tx, visit, Entry(Kind.ELIGIBILITY_ENDED, target=f"eligibility:{eligibility.id}", detail=detail))
    await touch(tx, OPENINGS)
    if await eligibilities.standing(tx, eligibility.user, eligibility.group, visit.now) is not None:
        return True
    await end_requests(tx, visit, eligibility.user, EndCause.INELIGIBLE)
    await _close(tx, visit, eligibility.user)
    return True


async def _close(tx: Tx, visit: Visit, user: UserId) -> None:
    """Step: end what *user* was given for asking."""
    for exemption in await exemptions.standing(tx, user, visit.now):
        request = await requests.find(tx, exemption.id)
        if request is None or request.act is Act.ASSIGN:
            continue
        await end(tx, visit, exemption, EndCause.INELIGIBLE)


async def _again(tx: Tx, id: ExemptionId) -> Eligible:
    shown = await eligibilities.show(tx, id)
    assert shown is not None  # rows of eligibilities are never deleted
    return shown


async def find_eligibility(house: House, visit: Visit, id: str) -> Eligible | Refused:
    """One, whatever became of it. Somebody else's needs READ_ELIGIBILITY, and so does one that does not exist."""

    async def body(tx: Tx) -> Eligible | Refused:
        shown = await eligibilities.show(tx, id_in(id))
        own = shown is not None and shown.eligibility.user == visit.caller.user
        refused = judge(Action.READ_SELF if own else Action.READ_ELIGIBILITY, visit.caller, now=visit.now)
        return refused or shown or Refused(Reason.NOT_FOUND)

    return await house.store.read(body)


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """What a filter narrows a list to."""

    principal: str | None = None
    group: str | None = None
    unused: bool = False


async def list_eligibilities(
    house: House, visit: Visit, query: Query, *, over: bool = False, mine: bool = False
) -> Page[Eligible] | Refused:
    """
    Eligibilities, the newest first; with those that are over when *over*. Narrowed by person, group, or `unused` (not
    made use of for ninety days) in the filter. One's own need no role.
    """
    question = asked(query)
    if isinstance(question, Refused):
        return question
    narrowed, after = _narrowed(question[0]), question[1]
    if isinstance(narrowed, Refused):
        return narrowed

    async def body(tx: Tx) -> Page[Eligible] | Refused:
        user = await whose(tx, visit, narrowed.principal, Action.READ_ELIGIBILITY, mine=mine)
        if isinstance(user, Refused):
            return user
        if narrowed.group not in (None, house.desk.picture.exception_group):
            return Page(())
        rows = await eligibilities.page(tx, user=user, over=over, now=visit.now, after=after, most=query.top + 1)
        shown = tuple(rows[: query.top])
        last = shown[-1].eligibility if len(rows) > query.top else None
        kept = shown if not narrowed.unused else tuple(e for e in shown if unused(e.eligibility, e.used, visit.now))
        return Page(kept, (last.created, last.id) if last is not None else None)

    return await house.store.survey(body)


def _narrowed(wanted: Mapping[str, str]) -> _Narrowed | Refused:
    if wanted.get("unused") == "false":
        return Refused(Reason.INVALID_VALUE, "Only `unused eq true` can be asked for.", field="$filter")
    return _Narrowed(wanted.get("user"), wanted.get("group"), "unused" in wanted)
