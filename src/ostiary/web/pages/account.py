"""
One's own account: what is open now, each with a button that ends it.
"""

from starlette.responses import Response

from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.people import revoke_sessions
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.tokens import browser
from ostiary.services.tokens.browser import Mine
from ostiary.web.front.credentials import SESSION, set_cookie
from ostiary.web.pages.page import Guest, Page, go, render, to_sign_in

__all__ = ["ROUTES"]


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    mine = await browser.mine(guest.house, guest.visit)
    if not isinstance(mine, Mine):
        return to_sign_in(guest)
    names = {id: application.name for id, application in guest.house.desk.picture.applications.items()}
    return render(
        guest, "account.html", status=409 if refused else 200, refused=refused, mine=mine, names=names,
        current=guest.visit.caller.session,
    )  # fmt: skip


async def _end_session(guest: Guest) -> Response:
    id = guest.path("session")
    answer = await browser.end_own(guest.house, guest.visit, id)
    if isinstance(answer, Refused):
        return await _page(guest, answer)
    own = answer == guest.visit.caller.session
    return go("/signin", set_cookie(SESSION, "")) if own else go("/account")


async def _end_exemption(guest: Guest) -> Response:
    answer = await end_exemption(guest.house, guest.visit, ExemptionId(guest.path("exemption")[:64]))
    return await _page(guest, answer) if isinstance(answer, Refused) else go("/account")


async def _end_all(guest: Guest) -> Response:
    answer = await revoke_sessions(guest.house, guest.visit, guest.visit.caller.id)
    return await _page(guest, answer) if isinstance(answer, Refused) else go("/signin", set_cookie(SESSION, ""))


ROUTES = (
    Page("/account", get=_show, signed_in=True),
    Page("/account/sessions/{session}/end", post=_end_session, signed_in=True),
    Page("/account/exemptions/{exemption}/end", post=_end_exemption, signed_in=True),
    Page("/account/end-all", post=_end_all, signed_in=True),
)
