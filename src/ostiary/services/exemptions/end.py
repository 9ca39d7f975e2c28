"""
Ending exemptions: by their own person from anywhere, by an administrator or approver, or with an account.

Ending is one compare-and-swap: what the window gave is over in the same instant, because liveness is derived from
this row. Nothing here runs when a window ends by itself; `announce_ends` only says afterwards that it did.
"""

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import right_to_end
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH
from ostiary.core.exemptions.request import Request, record_of
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.ending import end, end_all_of
from ostiary.services.exemptions.granting import approver
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, logs, requests
from ostiary.store.exemptions import Shown

READER = "exemption_ends"  # the cursor's row; its position is an instant, not a place in the journal
REQUESTS = "request_ends"  # the same for requests that nobody decided
ANNOUNCED = 200  # entries per run


async def end_exemption(house: House, visit: Visit, id: ExemptionId, reason: str = "") -> Shown | Refused:
    """
    End one window now: the one with that id, or the one that the request with that id makes longer.

    Its own person may from any origin, without a reason; anybody else needs to be an administrator, at the local door
    or one of those who approve it, and a reason (R2, R3, decision 0068). Refused when it had ended already (CONFLICT).
    """

    async def body(tx: Tx) -> Shown | Refused:
        request = await requests.find(tx, id)
        shown = await exemptions.show(tx, id if request is None else request.opens)
        if request is None and shown is not None:
            request = record_of(shown.exemption)
        right = await _right(tx, visit, request)
        why = _why(visit, right, reason)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.END_EXEMPTION, why, target=f"exemption:{id[:64]}")
        if shown is None:
            return Refused(Reason.NOT_FOUND, "There is no such exemption.")
        if not await end(tx, visit, shown.exemption, _cause(right), why):
            return Refused(Reason.CONFLICT, "It has ended already.")
        return await _again(tx, shown.exemption.id)

    return await house.store.write(body)


async def end_exemptions_of(house: House, visit: Visit, principal: str, reason: str = "") -> list[Shown] | Refused:
    """
    End every window of *principal* (a user's id or principal name) that stands (Graph's `adminRemove` and
    `selfDeactivate`).

    Refused as `end_exemption` is; NOT_FOUND when there is no such user, CONFLICT when no window stands.
    """

    async def body(tx: Tx) -> list[Shown] | Refused:
        person = await exemptions.person(tx, principal[: PRINCIPAL_LENGTH + 1])
        own = person is not None and visit.caller.user == person.id
        right = Action.END_OWN if own else Action.END_EXEMPTION
        why = _why(visit, right, reason)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.END_EXEMPTION, why, target=f"user:{principal[:PRINCIPAL_LENGTH]}")
        if person is None:
            return Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")
        ended = await end_all_of(tx, visit, person.id, _cause(right), why)
        if not ended:
            return Refused(Reason.CONFLICT, "No exemption of this person is open.")
        return [await _again(tx, id) for id in ended]

    return await house.store.write(body)


async def _right(tx: Tx, visit: Visit, request: Request | None) -> Action:
    """
    Step: by which right the caller would end what *request* gave. What does not exist is judged like somebody else's.
    """
    user = visit.caller.user
    someone = await approver(tx, visit, user) if request is not None and user is not None else None
    if request is None or someone is None:
        return Action.END_EXEMPTION
    return right_to_end(request, await current(tx, request.group), someone, visit.now) or Action.END_EXEMPTION


def _why(visit: Visit, right: Action, reason: str) -> str | Refused:
    """The reason to write down, or why the caller may not."""
    refused = judge(right, visit.caller, now=visit.now)
    if refused is not None or (right is Action.END_OWN and not reason):
        return refused or ""
    return read_reason(reason, field="justification")


def _cause(right: Action) -> EndCause:
    return EndCause.RELEASED if right is Action.END_OWN else EndCause.ENDED


async def _again(tx: Tx, id: ExemptionId) -> Shown:
    shown = await exemptions.show(tx, id)
    assert shown is not None  # rows of exemptions are never deleted
    return shown


async def announce_ends(house: House, visit: Visit) -> int:
    """
    Job: write once for each window that its time ran out; how many were announced.

    Touches nothing that decides. A window lasts five minutes at least, so none can appear behind the cursor. It runs
    often, because others are told by what it writes, and writes only where there is something to say.
    """

    async def look(tx: Tx) -> bool:
        seen = Instant(await logs.where(tx, READER) or 0)
        return await exemptions.any_ran_out(tx, after=seen, until=visit.now)

    if not await house.store.read(look):
        return 0

    async def body(tx: Tx) -> int:
        seen = await logs.cursor(tx, READER)
        passed, looked = await exemptions.ran_out(tx, after=Instant(seen), until=visit.now, most=ANNOUNCED)
        if looked <= seen or not await logs.move_cursor(tx, READER, seen=seen, position=looked):
            return 0
        for exemption in passed:
            detail = {"user": exemption.user, "ends": exemption.ends}
            kind = Kind.EXEMPTION_RAN_OUT if exemption.waits is None else Kind.EXEMPTION_UNUSED
            await record(tx, visit, Entry(kind, target=f"exemption:{exemption.id}", detail=detail))
        return len(passed)

    return await house.store.write(body)


async def announce_lapses(house: House, visit: Visit) -> int:
    """Job: write once for each request that nobody decided it in time; how many. Touches nothing that decides."""

    async def body(tx: Tx) -> int:
        seen = await logs.cursor(tx, REQUESTS)
        passed = await requests.lapsed(tx, after=Instant(seen), until=visit.now)
        if not passed or not await logs.move_cursor(tx, REQUESTS, seen=seen, position=visit.now):
            return 0
        for request in passed:
            detail = {"user": request.user, "ends": request.ends}
            target, story = f"exemption:{request.id}", request.sign_in or ""
            await record(tx, visit, Entry(Kind.REQUEST_LAPSED, target=target, story=story, detail=detail))
        return len(passed)

    return await house.store.write(body)
