"""
Setting a password with a link from an administrator.

The link carries its token behind ``#``, which browsers never send: a small script moves it into the form, without
scripts the person pastes it. So it never stands in an address that anybody logs.
"""

from starlette.responses import Response

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.credentials import set_password
from ostiary.web.pages.page import Guest, Page, render
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

_DIFFERENT = Refused(Reason.INVALID_VALUE, "The two passwords differ.", field="password")


async def _show(guest: Guest) -> Response:
    return render(guest, "password.html", token="")


async def _set(guest: Guest) -> Response:
    form = guest.form
    given, password = form.get("token", "").rpartition("#")[2], form.get("password", "")
    same = password == form.get("repeat", "")
    answer = await set_password(guest.house, guest.visit, given, password) if same else _DIFFERENT
    if isinstance(answer, Refused):
        kept = given[:64] if answer.reason is not Reason.SPENT else ""
        status = 429 if answer.reason is Reason.UNAVAILABLE else 400
        return render(guest, "password.html", status=status, refused=answer, token=kept)
    return render(guest, "ready.html", title=marked("Your password is set"), who=answer.principal_name)


ROUTES = (Page("/password", get=_show, post=_set),)
