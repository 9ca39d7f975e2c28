"""
Signing in through an upstream provider: off to its page, and back from it.

Leaving is a form of ours and a page that leads on: a redirect would count as the form's target, which R16 keeps to
our own pages. Coming back is the one GET that signs somebody in, because that is how a provider sends people (OpenID
Connect Core §3.1.2.5): what it brings counts once, and in the browser that left.
"""

from dataclasses import replace

from starlette.responses import Response

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens import browser
from ostiary.services.tokens.sign_in import Half
from ostiary.services.tokens.upstream import Returned, arrive, leave
from ostiary.web.pages.page import Guest, Page, not_found, render
from ostiary.web.pages.signin import sign_in_page, wait_for_second, welcome

__all__ = ["ROUTES"]


async def _leave(guest: Guest) -> Response:
    again = bool(guest.form.get("again")) and guest.visit.caller.user is not None
    name = guest.path("provider")
    leaving = await leave(guest.house, guest.visit, name, bound=guest.bound, back=guest.back, again=again)
    if not isinstance(leaving, Refused):
        return render(guest, "leaving.html", leaving=leaving)
    return not_found(guest) if leaving.reason is Reason.NOT_FOUND else sign_in_page(guest, leaving)


async def _arrive(guest: Guest) -> Response:
    asked = guest.query
    came = Returned(asked.get("state", ""), asked.get("code", ""), asked.get("error", ""), asked.get("iss"))
    arrived = await arrive(
        guest.house, guest.visit, guest.path("provider"), came,
        bound=guest.bound, session=guest.session, known=guest.known,
    )  # fmt: skip
    if isinstance(arrived, Refused):
        return sign_in_page(guest, arrived)
    there = replace(guest, query={"return": arrived.back})
    if isinstance(arrived.outcome, Half):
        return await wait_for_second(there, arrived.outcome)
    if not arrived.again:
        await browser.sign_out(guest.house, guest.visit)  # a change of account leaves no session behind
    return welcome(there, arrived.outcome)


ROUTES = (
    Page("/signin/upstream/{provider}", post=_leave),
    Page("/signin/upstream/{provider}/callback", get=_arrive),
)
