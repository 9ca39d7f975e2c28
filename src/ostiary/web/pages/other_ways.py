"""
Two ways for a bad day: a recovery code as the second step, a temporary access pass as the first.
"""

from starlette.responses import Response

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.other_ways import check_pass, check_recovery_code
from ostiary.web.pages.page import Guest, Page, render
from ostiary.web.pages.signin import BUSY, sign_in_page, wait_for_second, waiting_half, welcome

__all__ = ["ROUTES"]


def _status(refused: Refused | None) -> int:
    return 200 if refused is None else 429 if refused.reason in BUSY else 401


async def _show_recovery(guest: Guest) -> Response:
    waiting = await waiting_half(guest, enrolled=True)
    return waiting if isinstance(waiting, Response) else _recovery_form(guest)


def _recovery_form(guest: Guest, refused: Refused | None = None) -> Response:
    return render(guest, "recovery.html", status=_status(refused), refused=refused, back=guest.back)


async def _recovery(guest: Guest) -> Response:
    typed = guest.form.get("recovery", "")
    answer = await check_recovery_code(guest.house, guest.visit, guest.half, typed, guest.known)
    if not isinstance(answer, Refused):
        return welcome(guest, answer)
    return sign_in_page(guest, answer) if answer.reason is Reason.SESSION_ENDED else _recovery_form(guest, answer)


async def _show_pass(guest: Guest) -> Response:
    return _pass_form(guest)


def _pass_form(guest: Guest, refused: Refused | None = None) -> Response:
    name = guest.form.get("username", "")[:320]
    return render(guest, "access_pass.html", status=_status(refused), refused=refused, back=guest.back, name=name)


async def _pass(guest: Guest) -> Response:
    name, typed = guest.form.get("username", ""), guest.form.get("pass", "")
    answer = await check_pass(guest.house, guest.visit, name, typed, guest.known)
    return _pass_form(guest, answer) if isinstance(answer, Refused) else await wait_for_second(guest, answer)


ROUTES = (
    Page("/signin/recovery", get=_show_recovery, post=_recovery),
    Page("/signin/pass", get=_show_pass, post=_pass),
)
