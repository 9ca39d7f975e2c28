"""
Changing one's own password, with the old one and a second factor that was proved within the last five minutes.
"""

from starlette.responses import Response

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.own_password import change_own
from ostiary.web.front.credentials import SESSION, set_cookie
from ostiary.web.pages.page import Guest, Page, render, step_up, to_sign_in
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

_DIFFERENT = Refused(Reason.INVALID_VALUE, "The two passwords differ.", field="password")
_WAIT = (Reason.UNAVAILABLE, Reason.SIGN_IN_LOCKED)
_PATH = "/account/password"


async def _show(guest: Guest) -> Response:
    """The form; before it the second factor, so that nothing typed here is lost to that page."""
    refused = judge(Action.CHANGE_PASSWORD, guest.visit.caller, now=guest.visit.now)
    return step_up(_PATH) if refused is not None else render(guest, "own_password.html")


async def _change(guest: Guest) -> Response:
    form, same = guest.form, guest.form.get("password", "") == guest.form.get("repeat", "")
    answer = (
        await change_own(guest.house, guest.visit, form.get("old", ""), form.get("password", ""), guest.known)
        if same
        else _DIFFERENT
    )
    if not isinstance(answer, Refused):
        return _done(guest, answer.principal_name)
    if answer.reason is Reason.STEP_UP:
        return step_up(_PATH)
    if answer.reason is Reason.NOT_SIGNED_IN:
        return to_sign_in(guest)
    status = 429 if answer.reason in _WAIT else 400
    return render(guest, "own_password.html", status=status, refused=answer)


def _done(guest: Guest, name: str) -> Response:
    """Nobody is signed in any more, here neither."""
    response = render(guest, "ready.html", title=marked("Your password is changed"), who=name, over=True)
    response.raw_headers.append(set_cookie(SESSION, ""))
    return response


ROUTES = (Page(_PATH, get=_show, post=_change, signed_in=True),)
