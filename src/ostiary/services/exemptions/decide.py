"""
Approving and denying requests: by those whom the rules name, in a browser session with fresh MFA (R3).

Of two who decide at the same moment both count, or one is told who was first: the request is read, judged and swapped
in one transaction.
"""

from dataclasses import replace

from ostiary.core.access.picture import Picture
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import Verdict, approved
from ostiary.core.exemptions.deciding import decide as judged
from ostiary.core.exemptions.oddities import oddities
from ostiary.core.exemptions.request import Decision, Phase, Request, standing
from ostiary.core.exemptions.rules import Approver
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.exemptions.around import around
from ostiary.services.exemptions.ending import withdraw
from ostiary.services.exemptions.granting import approver, grant, prepare
from ostiary.services.exemptions.machine import sign_in_of
from ostiary.services.exemptions.requests import NO_REQUEST
from ostiary.services.exemptions.rules import current
from ostiary.services.exemptions.sign_ins import stop
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, requests
from ostiary.store.requests import Asked

__all__ = ["decide_request", "people", "withdraw_request"]


async def decide_request(house: House, visit: Visit, id: ExemptionId, verdict: Verdict) -> Asked | Refused:
    """
    Say yes or no to a request.

    Refused: FORBIDDEN (not an approver, one's own, made by oneself), ORIGIN_FORBIDDEN, STEP_UP, NOT_FOUND, CONFLICT
    (decided already: by whom is told), WRONG_STATE (lapsed; outgrown by the rules), NOT_ELIGIBLE, REASON_REQUIRED.
    """

    async def body(tx: Tx, picture: Picture) -> Asked | Refused:
        shown = await _decided(tx, visit, picture, id, verdict)
        if isinstance(shown, Refused):
            return await refuse(tx, visit, Action.DECIDE_REQUEST, shown, target=f"exemption:{id[:64]}")
        return shown

    answer = await settled(house, body)
    house.room.wake_request(id)
    return answer


async def _decided(tx: Tx, visit: Visit, picture: Picture, id: ExemptionId, verdict: Verdict) -> Asked | Refused:
    refused = judge(Action.DECIDE_REQUEST, visit.caller, now=visit.now)
    request = await requests.find(tx, id)
    if refused is not None or request is None:
        return refused or NO_REQUEST
    if picture.switch.on and verdict.approve:
        return Refused(Reason.KILLED, "Device sign-ins are stopped: nothing is approved.")
    rules = await current(tx, request.group)
    known = await people(tx, visit, request)
    decision = judged(request, verdict, visit.caller, rules, known, now=visit.now)
    if isinstance(decision, Refused):
        return decision
    after = replace(request, decisions=(*request.decisions, decision))
    whole = decision.approved and approved(after, rules, known)
    given = await prepare(tx, visit, after, rules) if whole else None
    if isinstance(given, Refused):
        return given
    await requests.decide(tx, id, decision)
    seen = await around(tx, visit, picture, request, rules, await sign_in_of(tx, request))
    odd = [oddity.tag.value for oddity in oddities(seen)]
    if given is not None:
        await _word(tx, visit, after, decision, "approved", odd)
        await grant(tx, visit, after, given)
    else:
        await _move(tx, visit, after, decision, odd)
    return await _again(tx, id)


async def people(
    tx: Tx, visit: Visit, request: Request, seen: dict[UserId, Approver | None] | None = None
) -> dict[UserId, Approver]:
    """Step: everybody whose word might count, as they are now. *seen*: whom this transaction looked up before."""
    ids = {d.by for d in request.decisions} | ({visit.caller.user} if visit.caller.user is not None else set())
    found = {} if seen is None else seen
    for id in ids - found.keys():
        found[id] = await approver(tx, visit, id)
    return {id: person for id in ids if (person := found[id]) is not None}


async def _move(tx: Tx, visit: Visit, request: Request, decision: Decision, odd: list[str]) -> None:
    """Step: denied, or one step nearer. Raises Stale when somebody else decided meanwhile."""
    new = request
    if not decision.approved:
        new = replace(request, phase=Phase.DENIED, decided=visit.now, decided_by=visit.caller.actor)
    if not await requests.move(tx, request, new):
        raise Stale
    await _word(tx, visit, new, decision, standing(new, None, visit.now).value, odd)
    if not decision.approved:
        await stop(tx, visit, new)


async def _word(tx: Tx, visit: Visit, request: Request, decision: Decision, state: str, odd: list[str]) -> None:
    detail = {
        "user": request.user,
        "stage": decision.stage,
        "approved": decision.approved,
        "reason": tame(decision.reason),
        "length": decision.length or 0,
        "state": state,
        "oddities": odd,
        "methods": list(decision.methods),
    }
    story = request.sign_in or ""
    await record(tx, visit, Entry(Kind.REQUEST_DECIDED, target=f"exemption:{request.id}", story=story, detail=detail))


async def withdraw_request(house: House, visit: Visit, id: ExemptionId, reason: str = "") -> Asked | Refused:
    """
    Take a request back that waits for its decision (Graph's `cancel`).

    Whoever it is for or who made it may, from any origin; an administrator too, with a reason. Refused: NOT_FOUND,
    FORBIDDEN and its kin, REASON_REQUIRED, CONFLICT when it does not wait any more.
    """

    async def body(tx: Tx, _: Picture) -> Asked | Refused:
        request = await requests.find(tx, id)
        why = _may_withdraw(visit, request, reason)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.END_OWN, why, target=f"exemption:{id[:64]}")
        if request is None:
            return NO_REQUEST
        if not request.open(visit.now):
            return Refused(Reason.CONFLICT, "It does not wait for a decision any more.")
        new = await withdraw(tx, visit, request, tame(why))
        if new is None:
            return Refused(Reason.CONFLICT)
        await stop(tx, visit, new)
        return await _again(tx, id)

    answer = await settled(house, body)
    house.room.wake_request(id)
    return answer


def _may_withdraw(visit: Visit, request: Request | None, reason: str) -> str | Refused:
    caller = visit.caller
    own = request is not None and caller.user is not None and (
        request.user == caller.user or request.by == caller.actor
    )  # fmt: skip
    if own:
        refused = judge(Action.END_OWN, caller, now=visit.now)
        return refused or (read_reason(reason, field="justification") if reason else "")
    return judge(Action.END_EXEMPTION, caller, now=visit.now) or read_reason(reason, field="justification")


async def _again(tx: Tx, id: ExemptionId) -> Asked:
    shown = await requests.show(tx, id)
    assert shown is not None  # rows of requests are never deleted
    return shown
