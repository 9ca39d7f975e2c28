"""
The person consents and asks for an exemption for this very sign-in, in one form (R5): the sign-in waits for it, goes on
when it is granted, and ends when it never will be.

One that did not ask at its start has nobody who knows how to wait: it ends, the request lives on, and the next sign-in
passes.
"""

from dataclasses import dataclass, replace

from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.request import Phase, Request, Ticket
from ostiary.core.graph.error import Invalid
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import number
from ostiary.core.signins.awaiting import waits_until
from ostiary.core.signins.signin import SignIn
from ostiary.core.signins.view import Approved, Asked
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import ExemptionId, SignInId
from ostiary.core.words.instants import Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Gathered, gather, told
from ostiary.services.exemptions.ask import asked, checked
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.around import around
from ostiary.services.signins.askable import askable, narrowed
from ostiary.services.signins.claim import allowed, held
from ostiary.services.signins.consent import (
    NOT_YOURS,
    AtPage,
    Number,
    at_page,
    consented,
    draw,
    fresh,
    note_block,
    yes,
)  # fmt: skip
from ostiary.services.signins.decide import on_sign_in
from ostiary.store import Tx
from ostiary.store import signins as rows

__all__ = ["Typed", "ask_with_consent"]

Answer = Asked | Approved | Refused | Invalid


@dataclass(frozen=True, slots=True)
class Typed:
    """The form; `length` None: what the rules usually give."""

    reason: str
    length: Span | None = None
    ticket: str = ""


async def ask_with_consent(house: House, visit: Visit, id: SignInId, typed: Typed) -> Answer:
    """
    Yes, and ask. Approved: an exemption is open by now, or a rule granted it at once.

    Invalid: every rule that is not kept. Refused: as `approve` and `ask_exemption`.
    """
    authenticated, drawn = fresh(visit.caller, visit.now), draw(house)
    if isinstance(authenticated, Refused):
        return authenticated
    ticket = Ticket(typed.ticket) if typed.ticket else None
    new = ExemptionId(house.random.guid())
    wanted = Wish(length=typed.length, reason=typed.reason, ticket=ticket, sign_in=id)
    checker, wish = await checked(house, visit, wanted)

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Answer:
        if not held(signin, visit):
            return NOT_YOURS
        page = await at_page(tx, visit, picture, signin, authenticated)
        if isinstance(page, Refused):
            return page
        if page.gathered is not None and allowed(page.gathered):
            return await consented(house, tx, visit, picture, page, drawn)
        supposed = await askable(tx, visit, picture, signin, page.ask)
        if supposed is None or not supposed.decision.may_consent:
            return await note_block(house, tx, visit, page, page.gathered)
        consent = yes(visit, page, supposed, new, drawn)
        if isinstance(consent, Refused):
            return consent
        limits = narrowed(signin, page.ask, supposed, await current(tx, picture.exception_group))
        made = await asked(tx, visit, picture, replace(wish, limits=limits), new, checker)
        if isinstance(made, Refused | Invalid):
            return made
        if made.request.phase is Phase.APPROVED:
            open_ = replace(page, gathered=await gather(tx, picture, page.ask, visit.now))
            return await consented(house, tx, visit, picture, open_, drawn)
        if not signin.declared.asks:
            return await _ended(tx, visit, page, made.request)
        return await _waiting(tx, visit, picture, _Yes(page, supposed, consent, drawn), made.request)

    return await on_sign_in(house, id, body)


@dataclass(frozen=True, slots=True)
class _Yes:
    """A yes that counts once the exemption is granted."""

    page: AtPage
    supposed: Gathered
    consent: rows.Consent
    drawn: Number


async def _waiting(tx: Tx, visit: Visit, picture: Picture, given: _Yes, request: Request) -> Answer:
    """Step: it waits for *request*; where a number is asked for, for that first."""
    page, consent = given.page, given.consent
    signin = page.signin
    until = waits_until(signin, request.ends, page.application.code_lifetime)
    numbered = consent.number is not None
    ends = after(visit.now, number.ASKED_FOR) if numbered else until
    if not await rows.wait(tx, signin, consent, ends=ends, address=visit.address, agent=visit.agent, now=visit.now):
        raise Stale  # the request is written: neither without the other
    odd = (await around(tx, visit, picture, signin, page.user)).tags()
    more = {"ends": until, "number": numbered, "oddities": odd, "amr": list(visit.caller.amr)}
    detail = {**_asked(page, request), **told(given.supposed), **more}
    await record(tx, visit, Entry(Kind.EXEMPTION_AWAITED, target=f"user:{page.user}", story=signin.id, detail=detail))
    return Asked(signin, page.application, request, until, given.drawn.shown if numbered else "")


async def _ended(tx: Tx, visit: Visit, page: AtPage, request: Request) -> Answer:
    """Step: its program cannot wait, so it ends as blocked; the request lives on."""
    signin = page.signin
    if not await rows.close_asked(
        tx, signin, request.id, address=visit.address, agent=visit.agent, now=visit.now
    ):  # fmt: skip
        raise Stale
    rules = list(page.gathered.decision.rules) if page.gathered is not None else []
    detail = {**_asked(page, request), **told(page.gathered), "reason": Reason.BLOCKED.value, "rules": rules}
    await record(tx, visit, Entry(Kind.BLOCKED, target=f"user:{page.user}", story=signin.id, detail=detail))
    return Asked(signin, page.application, request, None)


def _asked(page: AtPage, request: Request) -> dict[str, object]:
    name = page.gathered.user.principal_name if page.gathered is not None else ""
    return {"user": page.user, "user_name": name, "exemption": request.id}
