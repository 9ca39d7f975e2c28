"""
What becomes of the device sign-in whose person asked for an exemption at its page, as steps of whichever deed decides
about the request (R5): it goes on when that is granted in time, and ends when it never will be.
"""

from dataclasses import replace

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.request import Phase, Request
from ostiary.core.logs.entry import Detail, Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.awaiting import consent_counts
from ostiary.core.signins.signin import SignIn, State, ready_until
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Span
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, requests, signins

__all__ = ["go_on", "stop", "take_back"]

_WAITING = (State.AWAITING_NUMBER, State.AWAITING_EXEMPTION)


async def _of(tx: Tx, visit: Visit, request: Request) -> SignIn | None:
    """Step: the sign-in that waits for *request*."""
    found = await signins.by_id(tx, request.sign_in) if request.sign_in is not None else None
    waits = found is not None and found[0].exemption == request.id and found[0].standing(visit.now) in _WAITING
    return found[0] if found is not None and waits else None


async def go_on(tx: Tx, visit: Visit, request: Request, consent_window: Span) -> None:
    """
    Step: *request* is granted, so the next poll of its sign-in redeems; where the consent is older than
    *consent_window* its person consents once more first. Raises Stale when it moved meanwhile.
    """
    signin = await _of(tx, visit, request)
    if signin is None:
        return
    again = not consent_counts(signin, consent_window, visit.now)
    goes_on = signin.state is State.AWAITING_EXEMPTION and not again
    if goes_on and not await signins.ready(tx, signin, ends=ready_until(visit.now), now=visit.now):
        raise Stale
    detail = {"user": request.user, "exemption": request.id, "again": again}
    await record(tx, visit, _entry(Kind.EXEMPTION_GRANTED, signin, detail))


async def stop(tx: Tx, visit: Visit, request: Request) -> None:
    """Step: *request* was denied or withdrawn, so its sign-in ends. Raises Stale when it moved meanwhile."""
    signin = await _of(tx, visit, request)
    if signin is None:
        return
    where = {"address": signin.approver_address or "", "agent": signin.approver_agent or ""}
    if not await signins.close(tx, signin, State.DENIED, now=visit.now, **where):
        raise Stale
    detail = {"user": request.user, "exemption": request.id, "cause": request.phase.value}
    await record(tx, visit, _entry(Kind.EXEMPTION_REFUSED, signin, detail))


def _entry(kind: Kind, signin: SignIn, detail: Detail) -> Entry:
    return Entry(kind, target=f"user:{signin.user}", story=signin.id, detail=detail)


async def take_back(tx: Tx, visit: Visit, signin: SignIn) -> None:
    """
    Step: *signin* ended by a person's word or as no sign-in of theirs, so what was asked for with it goes: the request
    is withdrawn, the exemption ends. Raises Stale when either moved meanwhile.
    """
    id = signin.exemption if signin.asked is not None else None
    request = await requests.find(tx, id) if id is not None else None
    if request is None:
        return
    if request.open(visit.now):
        new = replace(request, phase=Phase.WITHDRAWN, decided=visit.now, decided_by=visit.caller.actor)
        if not await requests.move(tx, request, new):
            raise Stale
        detail: dict[str, object] = {"user": request.user}
        entry = Entry(Kind.REQUEST_WITHDRAWN, target=f"exemption:{request.id}", story=signin.id, detail=detail)
        await record(tx, visit, entry)
    else:
        await _end(tx, visit, request.id)


async def _end(tx: Tx, visit: Visit, id: ExemptionId) -> None:
    cause = EndCause.REPORTED
    window = await exemptions.find(tx, id)
    if window is None or not await exemptions.end(tx, id, now=visit.now, cause=cause, by=visit.caller.actor):
        return
    detail = {"user": window.user, "cause": cause.value, "ends": window.ends}
    await record(tx, visit, Entry(Kind.EXEMPTION_ENDED, target=f"exemption:{id}", detail=detail))
    await touch(tx, OPENINGS)
