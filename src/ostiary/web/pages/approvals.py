"""
For those who approve exemptions, on a phone: what waits for them, and one request with what is known and what is odd
about it, denied or approved by a form (R3, R5, R16).

A link to a request decides nothing, whoever opens it and however often. Who may not decide is told the same for a
request that exists and for one that does not.
"""

from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.overview import Overview, overview
from ostiary.services.exemptions.requests import review_break_glass
from ostiary.services.exemptions.view import NOT_YOURS, Look, look
from ostiary.web.front import typed
from ostiary.web.pages.page import LONGEST_TEXT, Guest, Page, go, keep, render, step_up, to_sign_in, whole_minutes
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]


async def _list(guest: Guest) -> Response:
    found = await overview(guest.house, guest.visit)
    return to_sign_in(guest) if isinstance(found, Refused) else _lists(guest, found)


def _lists(guest: Guest, found: Overview) -> Response:
    return render(guest, "approvals.html", found=found, me=guest.visit.caller.user)


async def _show(guest: Guest) -> Response:
    return await _page(guest)


def _id(guest: Guest) -> ExemptionId:
    return ExemptionId(guest.path("request")[:64])


def _path(guest: Guest) -> str:
    return f"/approvals/{quote(_id(guest), safe='')}"


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    seen = await look(guest.house, guest.visit, _id(guest))
    if isinstance(seen, Refused):
        own = f"/requests/{quote(_id(guest), safe='')}"  # for every id alike
        ways = (("/approvals", marked("What waits for you")), (own, marked("Your own request: what became of it")))
        return render(guest, "wrong.html", status=404, refused=NOT_YOURS, ways=ways)
    return _shown(guest, seen, refused)


_CHANGED = (Reason.CONFLICT, Reason.WRONG_STATE, Reason.KILLED, Reason.NOT_ELIGIBLE)


def _shown(guest: Guest, seen: Look, refused: Refused | None) -> Response:
    status = 200 if refused is None else 409 if refused.reason in _CHANGED else 400
    return render(
        guest, "approval.html", status=status, refused=refused, seen=seen, request=seen.asked.request,
        path=_path(guest), me=guest.visit.caller.user, reason=guest.typed("reason")[:LONGEST_TEXT],
        chosen=guest.typed("length"), other=guest.typed("minutes")[:8],
    )  # fmt: skip


async def _post(guest: Guest) -> Response:
    """Whatever button was pressed: each form goes to the address of its own page."""
    answer = await _done(guest, guest.form.get("verdict", ""))
    if not isinstance(answer, Refused):
        return go(_path(guest), typed.forget())
    if answer.reason is Reason.STEP_UP and not answer.detail:
        return step_up(_path(guest), keep(guest, _REQUEST))
    return await _page(guest, answer)


_TWO_THINGS = Refused(
    Reason.INVALID_VALUE, "You typed minutes: press “Approve for less”, or empty that field.", field="minutes"
)


async def _done(guest: Guest, verdict: str) -> object | Refused:
    """What the button *verdict* asks for; one that nobody knows does nothing."""
    house, visit, id = guest.house, guest.visit, _id(guest)
    reason = guest.form.get("reason", "")[:LONGEST_TEXT]
    match verdict:
        case "approve" if guest.form.get("minutes"):
            return _TWO_THINGS
        case "deny" | "approve":
            return await decide_request(house, visit, id, Verdict(verdict == "approve", reason))
        case "less":
            wanted = guest.form.get("minutes") or guest.form.get("length", "")  # typed, or else chosen
            length = whole_minutes(wanted, field="minutes")
            if isinstance(length, Refused):
                return length
            return await decide_request(house, visit, id, Verdict(True, reason, length))
        case "end":
            return await end_exemption(house, visit, id, reason)
        case "review":
            return await review_break_glass(house, visit, id, reason)
    return Refused(Reason.INVALID_VALUE, "Press one of the buttons.")


_REQUEST = Page("/approvals/{request}", get=_show, post=_post, signed_in=True, keeps=("reason", "length", "minutes"))
ROUTES = (Page("/approvals", get=_list, signed_in=True), _REQUEST)
