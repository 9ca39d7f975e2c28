"""
Taking a start ticket: for one application, with a second factor proved within the last five minutes (R22).
"""

from starlette.responses import Response

from ostiary.core.signins.user_code import spaced
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins.tickets import Taken, open_to_tickets, take_ticket
from ostiary.web.pages.page import Guest, Page, render, step_up, to_sign_in

__all__ = ["ROUTES"]

_PATH = "/ticket"


async def _show(guest: Guest) -> Response:
    return _page(guest)


async def _take(guest: Guest) -> Response:
    answer = await take_ticket(guest.house, guest.visit, guest.form.get("application", "")[:64])
    if not isinstance(answer, Refused):
        return _page(guest, taken=answer)
    if answer.reason in (Reason.MFA_REQUIRED, Reason.MFA_STALE):
        return step_up(_PATH)
    if answer.reason is Reason.NOT_SIGNED_IN:
        return to_sign_in(guest)
    return _page(guest, refused=answer)


def _page(guest: Guest, *, taken: Taken | None = None, refused: Refused | None = None) -> Response:
    status = 200 if refused is None else 429 if refused.reason is Reason.BUSY_SOURCE else 400
    applications = open_to_tickets(guest.house.desk.picture)
    letters = spaced(taken.letters) if taken is not None else ""
    return render(
        guest, "ticket.html", status=status, refused=refused, applications=applications, taken=taken, letters=letters
    )


ROUTES = (Page(_PATH, get=_show, post=_take, signed_in=True),)
