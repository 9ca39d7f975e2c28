"""
What the poll of a sign-in is told whose person asked for an exemption: that it waits, or what became of the request.
"""

from typing import Any

from ostiary.core.exemptions.request import UNDECIDED, Request, standing
from ostiary.core.exemptions.request import State as Asked
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.instants import between, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, requests

__all__ = ["approvers", "told_of_request"]

_USABLE = (Asked.APPROVED, Asked.ACTIVE)


async def told_of_request(house: House, tx: Tx, visit: Visit, signin: SignIn, answer: Refused) -> Refused:
    """
    Step: *answer* to the poll of *signin*, with what is known of the request. Reasons: EXEMPTION_AWAITED,
    EXEMPTION_REFUSED, BLOCKED (it could not wait; the request lives on), CODE_EXPIRED, and any other as it is.
    """
    shown = await requests.show(tx, signin.exemption) if signin.exemption is not None else None
    if shown is None or signin.state in (State.REPORTED, State.AWAITING_NUMBER):
        return answer
    request, stands = shown.request, standing(shown.request, shown.exemption, visit.now)
    told: dict[str, Any] = {"ostiary_request": request.id}
    lives = stands in UNDECIDED or stands in _USABLE
    if not lives:
        return _refused(house, signin, request, stands, told)
    told["ostiary_approved_by"] = approvers(request)
    if signin.standing(visit.now) is State.AWAITING_EXEMPTION:
        told["ostiary_state"] = "consent_again" if stands in _USABLE else "awaiting_exemption"
        told["ostiary_page"] = f"{house.settings.origin}/devicelogin/request/{signin.id}"
        told["ostiary_expires_in"] = to_seconds(between(visit.now, signin.ends))
        return Refused(Reason.EXEMPTION_AWAITED, f"See {_link(house, request)}.", reference=signin.id, told=told)
    told["ostiary_state"] = "approved" if stands in _USABLE else "exemption_requested"
    text = f"An exemption was asked for ({_link(house, request)}): when it is approved, sign in again."
    reason = Reason.CODE_EXPIRED if answer.reason is Reason.CODE_EXPIRED else Reason.BLOCKED
    return Refused(reason, text, reference=signin.id, told=told)


def approvers(request: Request) -> list[str]:
    """Who said yes so far, or the rule that did."""
    return [d.name for d in request.decisions if d.approved] or ([f"rule {request.auto}"] if request.auto else [])


def _refused(house: House, signin: SignIn, request: Request, stands: Asked, told: dict[str, Any]) -> Refused:
    """It never will be given: who said so and why, as far as somebody did."""
    last = request.decisions[-1] if request.decisions and stands is Asked.DENIED else None
    told["ostiary_state"] = f"exemption_{stands.value}"
    text = _HOW.get(stands, "It has ended.")
    if last is not None:
        told |= {"ostiary_denied_by": last.name, "ostiary_reason": last.reason}
        text = f"Denied by {last.name[:80]}: {last.reason[:200]}."
    return Refused(Reason.EXEMPTION_REFUSED, f"{text} See {_link(house, request)}.", reference=signin.id, told=told)


_HOW = {
    Asked.WITHDRAWN: "The request was withdrawn.",
    Asked.LAPSED: "Nobody decided or used it in time.",
    Asked.KILLED: "It ended with the right to ask, or by the kill switch.",
}


def _link(house: House, request: Request) -> str:
    return f"{house.settings.origin}/requests/{request.id}"
