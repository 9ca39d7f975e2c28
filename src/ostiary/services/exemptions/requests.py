"""
Requests as lists: one's own, those that one may decide, all of them for who may read them; and the written review that
a break-glass exemption owes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import may_see
from ostiary.core.graph.exemption import id_in
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.granting import approver
from ostiary.services.exemptions.narrowing import asked, may_not_look, whose
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, requests
from ostiary.store.place import TOP
from ostiary.store.requests import Asked, Which

__all__ = [
    "Which",
    "find_request",
    "list_requests",
    "may_review",
    "not_reviewable",
    "requests_to_decide",
    "review_break_glass",
]

MOST_TO_DECIDE = 500
NO_REQUEST = Refused(Reason.NOT_FOUND, "There is no such request.")


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """What a filter narrows a list to."""

    principal: str | None = None
    group: str | None = None
    which: Which = Which.ALL


async def list_requests(house: House, visit: Visit, query: Query, *, mine: bool = False) -> Page[Asked] | Refused:
    """
    Requests, the newest first, narrowed by person, group, and whether they wait, run, are over or owe a review.

    One's own need no role. Refused: any other filter, and who may not.
    """
    question = asked(query)
    if isinstance(question, Refused):
        return question
    narrowed, after = _narrowed(question[0]), question[1]
    if isinstance(narrowed, Refused):
        return narrowed

    async def body(tx: Tx) -> Page[Asked] | Refused:
        user = await whose(tx, visit, narrowed.principal, Action.READ_EXEMPTIONS, mine=mine)
        if isinstance(user, Refused):
            return user
        if narrowed.group not in (None, house.desk.picture.exception_group):
            return Page(())
        rows = await requests.page(tx, user=user, which=narrowed.which, now=visit.now, after=after, most=query.top + 1)
        shown = tuple(rows[: query.top])
        last = shown[-1].request if len(rows) > query.top else None
        return Page(shown, (last.created, last.id) if last is not None else None)

    answer = await house.store.survey(body)
    return await may_not_look(house, visit, answer) if isinstance(answer, Refused) else answer


async def requests_to_decide(house: House, visit: Visit, query: Query) -> Page[Asked] | Refused:
    """What waits for a decision of the caller, on one page (Graph's `filterByCurrentUser(on='approver')`)."""
    if query.filter is not None or query.order is not None or query.after is not None:
        return Refused(Reason.INVALID_VALUE, "This list comes in one order, all of it.", field="$filter")

    async def body(tx: Tx) -> Page[Asked] | Refused:
        refused = judge(Action.READ_SELF, visit.caller, now=visit.now)
        someone = await approver(tx, visit, visit.caller.user) if visit.caller.user is not None else None
        if refused is not None or someone is None:
            return refused or Refused(Reason.NOT_SIGNED_IN)
        rules = await current(tx, house.desk.picture.exception_group)
        rows = await requests.page(tx, user=None, which=Which.WAITING, now=visit.now, after=TOP, most=MOST_TO_DECIDE)
        found = tuple(each for each in rows if may_see(each.request, rules, someone, visit.now))
        return Page(found, None, len(found) if query.count else None)

    return await house.store.survey(body)


async def find_request(house: House, visit: Visit, id: str) -> Asked | Refused:
    """
    One request, whatever became of it, for whom it is for, who made it, who may decide it, or who may read them all.
    """

    async def body(tx: Tx) -> Asked | Refused:
        shown = await requests.show(tx, id_in(id))
        theirs = shown is not None and await _concerned(tx, visit, shown)
        refused = judge(Action.READ_SELF if theirs else Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
        return refused or shown or NO_REQUEST

    answer = await house.store.read(body)
    if isinstance(answer, Refused) and answer.reason is not Reason.NOT_FOUND:
        return await may_not_look(house, visit, answer)
    return answer


async def _concerned(tx: Tx, visit: Visit, shown: Asked) -> bool:
    caller = visit.caller
    if caller.user is None:
        return False
    if shown.request.user == caller.user or shown.request.by == caller.actor:
        return True
    someone = await approver(tx, visit, caller.user)
    rules = await current(tx, shown.request.group)
    return someone is not None and may_see(shown.request, rules, someone, visit.now)


async def review_break_glass(house: House, visit: Visit, id: str, text: str) -> Asked | Refused:
    """
    Write what a break-glass exemption was used for; it leaves the list of those that owe it.

    By an administrator or approver who is not the one who used it. Refused: FORBIDDEN and its kin, NOT_FOUND,
    WRONG_STATE (not break-glass; still open), REASON_REQUIRED, CONFLICT when it was reviewed.
    """

    async def body(tx: Tx) -> Asked | Refused:
        why = judge(Action.REVIEW_EXEMPTION, visit.caller, now=visit.now) or read_reason(text, field="justification")
        shown = await requests.show(tx, ExemptionId(id))
        refused = why if isinstance(why, Refused) else not_reviewable(visit, shown)
        if refused is not None or shown is None or isinstance(why, Refused):
            answer = refused or NO_REQUEST
            return await refuse(tx, visit, Action.REVIEW_EXEMPTION, answer, target=f"exemption:{id[:64]}")
        new = replace(shown.request, review=why, reviewed=visit.now, reviewed_by=visit.caller.actor)
        if not await requests.move(tx, shown.request, new):
            return Refused(Reason.CONFLICT)
        detail = {"user": new.user, "review": tame(why)}
        await record(tx, visit, Entry(Kind.BREAK_GLASS_REVIEWED, target=f"exemption:{new.id}", detail=detail))
        return replace(shown, request=new)

    return await house.store.write(body)


def may_review(visit: Visit) -> bool:
    """Whether the caller may write such reviews, once they have proved themselves again where that is too old."""
    refused = judge(Action.REVIEW_EXEMPTION, visit.caller, now=visit.now)
    return refused is None or refused.reason is Reason.STEP_UP


def not_reviewable(visit: Visit, shown: Asked | None) -> Refused | None:
    """Why the caller cannot write the review of *shown* now, where `may_review` lets them."""
    if shown is None:
        return NO_REQUEST
    request, exemption = shown.request, shown.exemption
    if not request.break_glass:
        return Refused(Reason.WRONG_STATE, "It is no break-glass exemption.")
    if visit.caller.user == request.user or visit.caller.actor == request.by:
        return Refused(Reason.FORBIDDEN, "Nobody reviews what they opened or used themselves.")
    if not request.owes_review():
        return Refused(Reason.CONFLICT, "It was reviewed already.")
    if exemption is not None and visit.now < exemption.over():
        return Refused(Reason.WRONG_STATE, "It has not ended yet.")
    return None


def _narrowed(wanted: Mapping[str, str]) -> _Narrowed | Refused:
    which = [_WHICH.get((name, wanted[name])) for name in ("status", "review", "state") if name in wanted]
    if len(which) > 1 or None in which:
        return Refused(Reason.INVALID_VALUE, _CAN_ASK, field="$filter")
    return _Narrowed(wanted.get("user"), wanted.get("group"), (which and which[0]) or Which.ALL)


_CAN_ASK = (
    "One of status eq 'PendingApproval', ostiary/state eq 'waiting', 'active' or 'over', ostiary/review eq 'owed' can "
    "be asked for."
)
_WHICH = {
    ("status", "PendingApproval"): Which.WAITING,
    ("state", "waiting"): Which.WAITING,
    ("state", "active"): Which.ACTIVE,
    ("state", "over"): Which.OVER,
    ("review", "owed"): Which.OWED,
}
