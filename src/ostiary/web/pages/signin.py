"""
Signing in: a passkey, or password and then a second step (or the QR code of a first one), then on to where the person
was going; the second factor again; signing out.
"""

import segno
from starlette.responses import Response

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.credentials import KNOWN_BROWSER
from ostiary.core.directory.people import FEDERATED
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.credentials import Offer
from ostiary.services.directory.passkeys import Answer, Ways, own_ways
from ostiary.services.tokens import browser
from ostiary.services.tokens.passkey_sign_in import (
    ask_first,
    ask_passkey,
    check_passkey,
    enrol_passkey,
    sign_in_with_passkey,
    step_up_with_passkey,
)
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
from ostiary.services.tokens.upstream import providers
from ostiary.web.front.credentials import FRESH, HALF, HANDED, KNOWN, SESSION, set_cookie
from ostiary.web.pages.page import Guest, Page, go, leading, render, to_sign_in
from ostiary.web.pages.page import step_up as step_up_page

__all__ = ["ROUTES", "answer_of", "qr", "sign_in_page", "wait_for_second", "waiting_half", "welcome"]

BUSY = (Reason.UNAVAILABLE, Reason.SIGN_IN_LOCKED)


def qr(offer: Offer) -> str:
    """The offer's address as a QR code: an image in the page itself, so that no file with a secret exists."""
    return str(segno.make(offer.uri, error="m").svg_data_uri(scale=5, border=3, light="#fff", dark="#000"))


async def _show(guest: Guest) -> Response:
    """An authorization request that needs fresher proof of somebody signed in says `again`."""
    if guest.query.get("again") and guest.visit.caller.user is not None:
        return step_up_page(guest.back)
    return sign_in_page(guest)


def sign_in_page(guest: Guest, refused: Refused | None = None, name: str = "") -> Response:
    """The first step: password or passkey."""
    status = 200 if refused is None else 429 if refused.reason in BUSY else 401
    asked = ask_passkey(guest.house, guest.visit, guest.bound)
    return render(
        guest, "signin.html", status=status, refused=refused, back=guest.back, name=name, asked=asked,
        providers=providers(guest.house),
    )  # fmt: skip


async def _password(guest: Guest) -> Response:
    name, password = guest.form.get("username", ""), guest.form.get("password", "")
    answer = await check_password(guest.house, guest.visit, name, password, guest.known)
    if isinstance(answer, Refused):
        return sign_in_page(guest, answer, name[:320])
    return await wait_for_second(guest, answer)


async def wait_for_second(guest: Guest, answer: Half) -> Response:
    """The half session's cookie, and on to what it waits for."""
    await browser.sign_out(guest.house, guest.visit)  # a change of account leaves no session behind
    waiting = set_cookie(HALF, answer.cookie, seconds=to_seconds(HALF_LIFE))
    page = "second" if answer.enrolled else "enrol"
    return go(leading(f"/signin/{page}", guest.back), waiting, set_cookie(SESSION, ""))


async def waiting_half(guest: Guest, *, enrolled: bool) -> Half | Response:
    """The half session of this browser, or the way to the page that it needs instead."""
    waiting = await half(guest.house, guest.visit, guest.half) if guest.half else None
    if not isinstance(waiting, Half):
        return go(leading("/signin", guest.back), set_cookie(HALF, ""))
    if waiting.enrolled is not enrolled:
        return go(leading("/signin/second" if waiting.enrolled else "/signin/enrol", guest.back))
    return waiting


async def _show_second(guest: Guest) -> Response:
    waiting = await waiting_half(guest, enrolled=True)
    if isinstance(waiting, Response):
        return waiting
    return _ask(guest, waiting.ways)


def _ask(guest: Guest, ways: Ways, refused: Refused | None = None, *, again: bool = False) -> Response:
    status = 200 if refused is None else 429 if refused.reason in BUSY else 401
    asked = ask_passkey(guest.house, guest.visit, guest.bound, ways.passkeys) if ways.passkeys else None
    return render(
        guest, "second.html", status=status, refused=refused, back=guest.back, again=again, ways=ways, asked=asked,
        providers=providers(guest.house) if again and FEDERATED in guest.visit.caller.amr else (),
    )  # fmt: skip


async def _second(guest: Guest) -> Response:
    answer = await check_code(guest.house, guest.visit, guest.half, guest.form.get("totp", ""), guest.known)
    return await _after_second(guest, answer)


async def _second_passkey(guest: Guest) -> Response:
    answer = await check_passkey(guest.house, guest.visit, guest.half, answer_of(guest), guest.known)
    return await _after_second(guest, answer)


async def _after_second(guest: Guest, answer: SignedIn | Refused) -> Response:
    if not isinstance(answer, Refused):
        return welcome(guest, answer)
    waiting = await half(guest.house, guest.visit, guest.half)
    if answer.reason is Reason.SESSION_ENDED or isinstance(waiting, Refused):
        return sign_in_page(guest, answer)
    return _ask(guest, waiting.ways, answer)


def answer_of(guest: Guest) -> Answer:
    """What a passkey's form brought back."""
    return Answer(guest.bound, guest.form.get("challenge", ""), guest.form.get("credential", ""))


async def _passkey(guest: Guest) -> Response:
    """A passkey and nothing else."""
    answer = await sign_in_with_passkey(guest.house, guest.visit, answer_of(guest), guest.known)
    if isinstance(answer, Refused):
        return sign_in_page(guest, answer)
    await browser.sign_out(guest.house, guest.visit)  # a change of account leaves no session behind
    return welcome(guest, answer)


async def _show_enrol(guest: Guest) -> Response:
    waiting = await waiting_half(guest, enrolled=False)
    if isinstance(waiting, Response):
        return waiting
    return _offer(guest, waiting)


def _offer(guest: Guest, waiting: Half, refused: Refused | None = None) -> Response:
    """An authenticator's QR code, and a passkey beside it; to whoever came by an access pass the passkey alone."""
    reuse = guest.form.get("offer", "")
    offer = None if waiting.by_pass else new_authenticator(guest.house, guest.visit, waiting, reuse)
    return render(
        guest, "enrol.html", status=401 if refused else 200, refused=refused, back=guest.back, offer=offer,
        image=qr(offer) if offer else "", account=waiting.user.principal_name,
        asked=ask_first(guest.house, guest.visit, guest.bound, waiting),
    )  # fmt: skip


async def _enrol(guest: Guest) -> Response:
    waiting = await waiting_half(guest, enrolled=False)
    if isinstance(waiting, Response):
        return waiting
    sealed, code = guest.form.get("offer", ""), guest.form.get("totp", "")
    answer = await enrol(guest.house, guest.visit, guest.half, sealed, code, guest.known)
    return _offer(guest, waiting, answer) if isinstance(answer, Refused) else welcome(guest, answer)


async def _enrol_passkey(guest: Guest) -> Response:
    waiting = await waiting_half(guest, enrolled=False)
    if isinstance(waiting, Response):
        return waiting
    name = guest.form.get("name", "")
    answer = await enrol_passkey(guest.house, guest.visit, guest.half, answer_of(guest), name, guest.known)
    return _offer(guest, waiting, answer) if isinstance(answer, Refused) else welcome(guest, answer)


def welcome(guest: Guest, signed: SignedIn) -> Response:
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
    return await _ask_again(guest)


async def _ask_again(guest: Guest, refused: Refused | None = None) -> Response:
    ways = await own_ways(guest.house, guest.visit)
    return to_sign_in(guest) if isinstance(ways, Refused) else _ask(guest, ways, refused, again=True)


async def _again(guest: Guest) -> Response:
    answer = await step_up(guest.house, guest.visit, guest.session, guest.form.get("totp", ""), guest.known)
    return await _after_again(guest, answer)


async def _again_passkey(guest: Guest) -> Response:
    answer = await step_up_with_passkey(guest.house, guest.visit, guest.session, answer_of(guest), guest.known)
    return await _after_again(guest, answer)


async def _after_again(guest: Guest, answer: SignedIn | Refused) -> Response:
    if isinstance(answer, SignedIn):
        return welcome(guest, answer)
    return to_sign_in(guest) if answer.reason is Reason.SESSION_ENDED else await _ask_again(guest, answer)


async def _sign_out(guest: Guest) -> Response:
    await browser.sign_out(guest.house, guest.visit)
    return go("/signin", set_cookie(SESSION, ""), set_cookie(HALF, ""), set_cookie(HANDED, ""))


ROUTES = (
    Page("/signin", get=_show, post=_password),
    Page("/signin/passkey", post=_passkey),
    Page("/signin/second", get=_show_second, post=_second),
    Page("/signin/second/passkey", post=_second_passkey),
    Page("/signin/enrol", get=_show_enrol, post=_enrol),
    Page("/signin/enrol/passkey", post=_enrol_passkey),
    Page("/signin/again", get=_show_again, post=_again, signed_in=True),
    Page("/signin/again/passkey", post=_again_passkey, signed_in=True),
    Page("/signout", post=_sign_out),
)
