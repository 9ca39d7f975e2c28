"""
Signing in: password, then the code of an authenticator (or the QR code of a first one), then on to where the person was
going; the second factor again; signing out.
"""

import segno
from starlette.responses import Response

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.credentials import KNOWN_BROWSER
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.credentials import Offer
from ostiary.services.tokens import browser
from ostiary.services.tokens.sign_in import (
    Half,
    SignedIn,
    check_code,
    check_password,
    enrol,
    half,
    new_authenticator,
    step_up,
)
from ostiary.web.front.credentials import FRESH, HALF, HANDED, KNOWN, SESSION, set_cookie
from ostiary.web.pages.page import Guest, Page, go, leading, render, to_sign_in
from ostiary.web.pages.page import step_up as step_up_page

__all__ = ["ROUTES", "qr"]

BUSY = (Reason.UNAVAILABLE, Reason.SIGN_IN_LOCKED)


def qr(offer: Offer) -> str:
    """The offer's address as a QR code: an image in the page itself, so that no file with a secret exists."""
    return str(segno.make(offer.uri, error="m").svg_data_uri(scale=5, border=3, light="#fff", dark="#000"))


async def _show(guest: Guest) -> Response:
    """An authorization request that needs fresher proof of somebody signed in says `again`."""
    if guest.query.get("again") and guest.visit.caller.user is not None:
        return step_up_page(guest.back)
    return render(guest, "signin.html", back=guest.back, name="")


async def _password(guest: Guest) -> Response:
    name, password = guest.form.get("username", ""), guest.form.get("password", "")
    answer = await check_password(guest.house, guest.visit, name, password, guest.known)
    if isinstance(answer, Refused):
        status = 429 if answer.reason in BUSY else 401
        return render(guest, "signin.html", status=status, refused=answer, back=guest.back, name=name[:320])
    await browser.sign_out(guest.house, guest.visit)  # a change of account leaves no session behind
    waiting = set_cookie(HALF, answer.cookie, seconds=to_seconds(HALF_LIFE))
    page = "second" if answer.enrolled else "enrol"
    return go(leading(f"/signin/{page}", guest.back), waiting, set_cookie(SESSION, ""))


async def _waiting(guest: Guest, *, enrolled: bool) -> Half | Response:
    """The half session of this browser, or the way to the page that it needs instead."""
    waiting = await half(guest.house, guest.visit, guest.half) if guest.half else None
    if not isinstance(waiting, Half):
        return go(leading("/signin", guest.back), set_cookie(HALF, ""))
    if waiting.enrolled is not enrolled:
        return go(leading("/signin/second" if waiting.enrolled else "/signin/enrol", guest.back))
    return waiting


async def _show_second(guest: Guest) -> Response:
    waiting = await _waiting(guest, enrolled=True)
    if isinstance(waiting, Response):
        return waiting
    return _ask(guest)


def _ask(guest: Guest, refused: Refused | None = None, *, again: bool = False) -> Response:
    status = 200 if refused is None else 429 if refused.reason in BUSY else 401
    return render(guest, "second.html", status=status, refused=refused, back=guest.back, again=again)


async def _second(guest: Guest) -> Response:
    answer = await check_code(guest.house, guest.visit, guest.half, guest.form.get("totp", ""), guest.known)
    if isinstance(answer, Refused):
        if answer.reason is Reason.SESSION_ENDED:
            return render(guest, "signin.html", status=401, refused=answer, back=guest.back, name="")
        return _ask(guest, answer)
    return _welcome(guest, answer)


async def _show_enrol(guest: Guest) -> Response:
    waiting = await _waiting(guest, enrolled=False)
    if isinstance(waiting, Response):
        return waiting
    return _offer(guest, waiting)


def _offer(guest: Guest, waiting: Half, refused: Refused | None = None) -> Response:
    offer = new_authenticator(guest.house, guest.visit, waiting, guest.form.get("offer", ""))
    return render(
        guest, "enrol.html", status=401 if refused else 200, refused=refused, back=guest.back, offer=offer,
        image=qr(offer), account=waiting.user.principal_name,
    )  # fmt: skip


async def _enrol(guest: Guest) -> Response:
    waiting = await _waiting(guest, enrolled=False)
    if isinstance(waiting, Response):
        return waiting
    sealed, code = guest.form.get("offer", ""), guest.form.get("totp", "")
    answer = await enrol(guest.house, guest.visit, guest.half, sealed, code, guest.known)
    if isinstance(answer, Refused):
        return _offer(guest, waiting, answer)
    return _welcome(guest, answer)


def _welcome(guest: Guest, signed: SignedIn) -> Response:
    """
    The new session's cookies, and on. What others did to the credentials is shown first.

    An authorization request goes on by a page of its own: a redirect would count as this form's target, and the policy
    of R16 lets forms lead to our own pages only.
    """
    cookies = (
        set_cookie(SESSION, signed.cookie),
        set_cookie(KNOWN, signed.known, seconds=to_seconds(KNOWN_BROWSER)),
        set_cookie(HALF, ""),
        set_cookie(FRESH, ""),
    )
    if not signed.notices and not _leads_out(guest.back):
        return go(guest.back, *cookies)
    response = render(
        guest, "onward.html", back=guest.back, notices=signed.notices, hasty=not signed.notices, who=signed.user
    )
    response.raw_headers.extend(cookies)
    return response


def _leads_out(back: str) -> bool:
    return back.partition("?")[0].endswith("/authorize")


async def _show_again(guest: Guest) -> Response:
    return _ask(guest, again=True)


async def _again(guest: Guest) -> Response:
    answer = await step_up(guest.house, guest.visit, guest.session, guest.form.get("totp", ""), guest.known)
    if isinstance(answer, SignedIn):
        return _welcome(guest, answer)
    return to_sign_in(guest) if answer.reason is Reason.SESSION_ENDED else _ask(guest, answer, again=True)


async def _sign_out(guest: Guest) -> Response:
    await browser.sign_out(guest.house, guest.visit)
    return go("/signin", set_cookie(SESSION, ""), set_cookie(HALF, ""), set_cookie(HANDED, ""))


ROUTES = (
    Page("/signin", get=_show, post=_password),
    Page("/signin/second", get=_show_second, post=_second),
    Page("/signin/enrol", get=_show_enrol, post=_enrol),
    Page("/signin/again", get=_show_again, post=_again, signed_in=True),
    Page("/signout", post=_sign_out),
)
