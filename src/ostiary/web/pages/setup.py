"""
The first administrator of a new house (R18): one form with the typed one-time code, a password, and an authenticator
or a passkey.
"""

from starlette.responses import Response

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.credentials import offer
from ostiary.services.directory.first_admin import OWNER, FirstForm, ask_first_passkey, create_first, is_open
from ostiary.web.pages.page import Guest, Page, render
from ostiary.web.pages.signin import answer_of, qr
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

_DIFFERENT = Refused(Reason.INVALID_VALUE, "The two passwords differ.", field="password")


async def _show(guest: Guest) -> Response:
    return await _form(guest)


async def _form(guest: Guest, refused: Refused | None = None) -> Response:
    """The form, while there is something to set up."""
    if not await is_open(guest.house, guest.visit):
        return render(guest, "setup.html", status=403, refused=refused, open=False)
    name = guest.form.get("username", "")[:320]
    offered = offer(guest.house, guest.visit, owner=OWNER, account=name, reuse=guest.form.get("offer", ""))
    account, asked = ask_first_passkey(guest.house, guest.visit, guest.bound)
    return render(
        guest, "setup.html", status=400 if refused else 200, refused=refused, open=True, offer=offered,
        image=qr(offered), name=name, shown=guest.form.get("display", "")[:256], account=account, asked=asked,
    )  # fmt: skip


async def _create(guest: Guest) -> Response:
    form = guest.form
    if form.get("password", "") != form.get("repeat", ""):
        return await _form(guest, _DIFFERENT)
    passkey = answer_of(guest) if form.get("credential") else None
    answer = await create_first(guest.house, guest.visit, FirstForm(
        code=form.get("code", ""), principal_name=form.get("username", ""), display_name=form.get("display", ""),
        password=form.get("password", ""), offer=form.get("offer", ""), totp=form.get("totp", ""),
        account=form.get("account", "")[:64], passkey=passkey,
    ))  # fmt: skip
    if isinstance(answer, Refused):
        return await _form(guest, answer)
    return render(guest, "ready.html", title=marked("The house has an administrator"), who=answer.principal_name)


ROUTES = (Page("/setup", get=_show, post=_create),)
