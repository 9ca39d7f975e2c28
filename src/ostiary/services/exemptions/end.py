"""
Ending exemptions: by their own person from anywhere, by an administrator or approver, or with an account.

Ending is one compare-and-swap: what the window gave is over in the same instant, because liveness is derived from
this row. Nothing here runs when a window ends by itself; `announce_ends` only says afterwards that it did.
"""

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import may_see
from ostiary.core.exemptions.exemption import EndCause, Exemption
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
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
    End one window now.

    Its own person may from any origin, without a reason; anybody else needs to be an administrator, at the local door
    or one of those who approve it, and a reason (R2, R3, decision 0068). Refused when it had ended already (CONFLICT).
    """

    async def body(tx: Tx) -> Shown | Refused:
        shown = await exemptions.show(tx, id)
        whose = None if shown is None else shown.exemption.user
        why = _may_end(visit, whose, reason)
        if isinstance(why, Refused) and why.reason is Reason.FORBIDDEN and await _approves(tx, visit, id):
            why = judge(Action.DECIDE_REQUEST, visit.caller, now=visit.now) or _why(reason)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.END_EXEMPTION, why, target=f"exemption:{id[:64]}")
        if shown is None:
            return Refused(Reason.NOT_FOUND, "There is no such exemption.")
        if not await exemptions.end(tx, id, now=visit.now, cause=_cause(visit, whose), by=visit.caller.actor):
            return Refused(Reason.CONFLICT, "It has ended already.")
        await touch(tx, OPENINGS)
        await _write_down(tx, visit, [shown.exemption], _cause(visit, whose), why)
        return await _again(tx, id)

    return await house.store.write(body)


async def end_exemptions_of(house: House, visit: Visit, principal: str, reason: str = "") -> list[Shown] | Refused:
    """
    End every window of *principal* (a user's id or principal name) that stands (Graph's `adminRemove` and
    `selfDeactivate`).

    Refused as `end_exemption` is; NOT_FOUND when there is no such user, CONFLICT when no window stands.
    """

    async def body(tx: Tx) -> list[Shown] | Refused:
        person = await exemptions.person(tx, principal[: PRINCIPAL_LENGTH + 1])
        why = _may_end(visit, None if person is None else person.id, reason)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.END_EXEMPTION, why, target=f"user:{principal[:PRINCIPAL_LENGTH]}")
        if person is None:
            return Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")
        ended = await end_all_of(tx, visit, person.id, _cause(visit, person.id), why)
        if not ended:
            return Refused(Reason.CONFLICT, "No exemption of this person is open.")
        return [await _again(tx, id) for id in ended]

    return await house.store.write(body)


async def end_all_of(tx: Tx, visit: Visit, user: UserId, cause: EndCause, reason: str = "") -> list[ExemptionId]:
    """Step: end every window of *user* that stands, an entry each; their ids."""
    before = {e.id: e for e in await exemptions.standing(tx, user, visit.now)}
    ended = await exemptions.end_all_of(tx, user, now=visit.now, cause=cause, by=visit.caller.actor)
    if ended:
        await touch(tx, OPENINGS)
        await _write_down(tx, visit, [before[id] for id in ended], cause, reason)
    return ended


def _may_end(visit: Visit, whose: UserId | None, reason: str) -> str | Refused:
    """
    The reason to write down, or why the caller may not. A window that does not exist is judged like somebody else's.
    """
    if whose is not None and visit.caller.user == whose:
        refused = judge(Action.END_OWN, visit.caller, now=visit.now)
        return refused or (_why(reason) if reason else "")
    return judge(Action.END_EXEMPTION, visit.caller, now=visit.now) or _why(reason)


def _why(reason: str) -> str | Refused:
    return read_reason(reason, field="justification")


async def _approves(tx: Tx, visit: Visit, id: ExemptionId) -> bool:
    """Step: whether the rules of now name the caller as one to decide the request behind it: they may end it too."""
    request = await requests.find(tx, id)
    someone = await approver(tx, visit, visit.caller.user) if visit.caller.user is not None else None
    if request is None or someone is None:
        return False
    return may_see(request, await current(tx, request.group), someone, visit.now)


def _cause(visit: Visit, whose: UserId | None) -> EndCause:
    return EndCause.RELEASED if visit.caller.user is not None and visit.caller.user == whose else EndCause.ENDED


async def _again(tx: Tx, id: ExemptionId) -> Shown:
    shown = await exemptions.show(tx, id)
    assert shown is not None  # rows of exemptions are never deleted
    return shown


async def _write_down(tx: Tx, visit: Visit, ended: list[Exemption], cause: EndCause, reason: str) -> None:
    """Step: one entry for each."""
    for exemption in ended:
        target = f"exemption:{exemption.id}"
        detail = {"user": exemption.user, "cause": cause.value, "reason": reason, "ends": exemption.ends}
        await record(tx, visit, Entry(Kind.EXEMPTION_ENDED, target=target, detail=detail))


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
