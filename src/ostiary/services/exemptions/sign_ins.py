"""
What becomes of the device sign-in whose person asked for an exemption at its page, as steps of whichever deed decides
about the request (R5): it goes on when that is granted in time, and ends when it never will be.
"""

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.request import Request
from ostiary.core.logs.entry import Detail, Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.awaiting import consent_counts
from ostiary.core.signins.signin import SignIn, State, ready_until
from ostiary.core.words.errors import Stale
from ostiary.core.words.instants import Span
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.ending import end, withdraw
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


async def take_back(tx: Tx, visit: Visit, signin: SignIn, cause: EndCause) -> None:
    """
    Step: *signin* ended by a person's word or as no sign-in of theirs, so what was asked for with it goes: the request
    is withdrawn, or the exemption ends, of *cause*. Raises Stale when the request moved meanwhile.
    """
    id = signin.exemption if signin.asked is not None else None
    request = await requests.find(tx, id) if id is not None else None
    if request is None:
        return
    if request.open(visit.now):
        if await withdraw(tx, visit, request) is None:
            raise Stale
        return
    exemption = await exemptions.find(tx, request.id)
    if exemption is not None:
        await end(tx, visit, exemption, cause)
