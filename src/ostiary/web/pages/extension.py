"""
Asking that one's own exemption lasts longer: in a browser, with a second factor proved within the last five minutes
(R3). A program without one prints the address of this page.
"""

from starlette.responses import Response

from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.request import Phase
from ostiary.core.graph.error import Invalid
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.tokens import browser
from ostiary.services.tokens.browser import Mine
from ostiary.web.pages.page import Guest, Page, not_found, render, step_up, to_sign_in, whole_minutes

__all__ = ["ROUTES"]

LENGTHS = (30, 60, 120, 240)
"""Minutes that the form offers; the rules say which of them may be had."""


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _ask(guest: Guest) -> Response:
    length = whole_minutes(guest.form.get("length", ""), field="length")
    if isinstance(length, Refused):
        return await _page(guest, length)
    wish = Wish(length=length, reason=guest.form.get("reason", "")[:1024], extends=_id(guest))
    answer = await ask_exemption(guest.house, guest.visit, wish)
    if isinstance(answer, Invalid):
        return await _page(guest, Refused(Reason.INVALID_VALUE, guest.all_of(answer)))
    if not isinstance(answer, Refused):
        ends = answer.exemption.ends if answer.exemption is not None else None
        approved = answer.request.phase is Phase.APPROVED
        return render(
            guest, "extension.html", asked=answer.request, ends=ends, approved=approved, refused=None, each=None
        )
    if answer.reason is Reason.STEP_UP:
        return step_up(f"/account/exemptions/{_id(guest)}/extend")
    return to_sign_in(guest) if answer.reason is Reason.NOT_SIGNED_IN else await _page(guest, answer)


def _id(guest: Guest) -> ExemptionId:
    return ExemptionId(guest.path("exemption")[:64])


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    mine = await browser.mine(guest.house, guest.visit)
    if not isinstance(mine, Mine):
        return to_sign_in(guest)
    each = next((one for one in mine.exemptions if one.id == _id(guest)), None)
    if each is None:
        return not_found(guest)
    status = 400 if refused is not None else 200
    return render(guest, "extension.html", status=status, refused=refused, each=each, lengths=LENGTHS, asked=None)


ROUTES = (Page("/account/exemptions/{exemption}/extend", get=_show, post=_ask, signed_in=True),)
