"""
For those who ask: what one asked for and what became of it, and the form that asks for an exemption.

Asking is judged by the same deed as everywhere; what the rules do not allow is told at once and in full.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.exemptions.request import Act
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.exemption_wish import Ask, read_request
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Span
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.offer import offer
from ostiary.services.exemptions.overview import own_requests
from ostiary.services.exemptions.view import look_at_own
from ostiary.web.front import typed
from ostiary.web.pages.page import (
    LONGEST_TEXT,
    Guest,
    Page,
    go,
    keep,
    render,
    step_up,
    to_sign_in,
    whole_minutes,
    whole_number,
)
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

_NEW = "/requests/new"
_NARROWER = ("ticket_system", "network", "resource", "scopes", "device", "sign_ins")
"""Fields that are folded away until somebody or a rule wants them."""
FIELDS = ("length", "reason", "ticket", "application", *_NARROWER)


async def _list(guest: Guest) -> Response:
    found = await own_requests(guest.house, guest.visit)
    return to_sign_in(guest) if isinstance(found, Refused) else render(guest, "requests.html", mine=found)


# ---- one request


def _id(guest: Guest) -> ExemptionId:
    return ExemptionId(guest.path("request")[:64])


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    seen = await look_at_own(guest.house, guest.visit, _id(guest))
    if isinstance(seen, Refused):
        return render(
            guest, "wrong.html", status=404, refused=seen, ways=(("/requests", marked("What you asked for")),)
        )
    return render(
        guest, "own_request.html", status=200 if refused is None else 409, refused=refused, seen=seen,
        request=seen.asked.request, path=_own(_id(guest)), mine=seen.asked.request.user == guest.visit.caller.user,
    )  # fmt: skip


def _own(id: str) -> str:
    return f"/requests/{quote(id, safe='')}"


async def _withdraw(guest: Guest) -> Response:
    answer = await withdraw_request(guest.house, guest.visit, _id(guest))
    return await _page(guest, answer) if isinstance(answer, Refused) else go(_own(_id(guest)))


async def _end(guest: Guest) -> Response:
    answer = await end_exemption(guest.house, guest.visit, _id(guest))
    return await _page(guest, answer) if isinstance(answer, Refused) else go(_own(_id(guest)))


# ---- asking


async def _form(guest: Guest) -> Response:
    return await _asking(guest, ())


async def _asking(guest: Guest, problems: tuple[Problem, ...]) -> Response:
    """The form, with what was typed into it and everything that was wrong with that."""
    may = await offer(guest.house, guest.visit)
    if isinstance(may, Refused):
        return to_sign_in(guest)
    texts = {name: guest.typed(name)[:LONGEST_TEXT] for name in FIELDS}
    unfolded = bool(may.rules.narrow - {"application"}) or any(texts[name] for name in _NARROWER)
    first = Refused(Reason.INVALID_VALUE, problems[0].message) if problems else None
    return render(
        guest, "ask.html", status=400 if problems else 200, refused=first, problems=problems, may=may,
        wrong={problem.path for problem in problems}, me=guest.visit.caller.user,
        typed=texts, unfolded=unfolded,
    )  # fmt: skip


async def _ask(guest: Guest) -> Response:
    wished, unread = _read(guest)
    if wished is None:
        return await _asking(guest, unread)
    answer = await ask_exemption(guest.house, guest.visit, wished.wish, trial=bool(unread))
    if isinstance(answer, Invalid):
        return await _asking(guest, (*unread, *answer.problems))
    if isinstance(answer, Refused) and answer.reason is Reason.STEP_UP and not unread:
        return step_up(_NEW, keep(guest, _ASK))
    if isinstance(answer, Refused):
        return await _asking(guest, unread or (_problem(answer),))
    if unread:
        return await _asking(guest, unread)
    return go(_own(answer.request.id), typed.forget())


def _read(guest: Guest) -> tuple[Ask | None, tuple[Problem, ...]]:
    """What is asked for, and what cannot be read: without that the rest is only tried, so that all is told at once."""
    wishes, unread = _wishes(guest.form), list[Problem]()
    group = guest.house.desk.picture.exception_group
    for _ in FIELDS:
        wished = read_request(wishes, exception_group=group, now=guest.visit.now)
        if isinstance(wished, Ask):
            return wished, tuple(unread)
        assert isinstance(wished, Refused)  # `selfActivate` is read as nothing else
        unread.append(_problem(wished))
        if wished.field not in _NAMED:
            break
        wishes[_NAMED[wished.field]] = None
    return None, tuple(unread)


_NAMED = {"ostiary.network": "network", "ostiary.scopes": "scopes", "ostiary.signIns": "sign_ins"}
"""Fields that can be written in a way that nobody can read."""


def _problem(refused: Refused) -> Problem:
    return Problem(refused.field or "", refused.detail or marked("This cannot be asked for now."))


def _wishes(form: Mapping[str, str]) -> dict[str, Any]:
    """
    The form as a body of the admin API would say it. A number that is none becomes one that is refused: leaving it out
    would ask for more than was meant.
    """
    text = {name: form.get(name, "").strip()[:LONGEST_TEXT] for name in FIELDS}
    length = whole_minutes(text["length"], field="length") if text["length"] else None
    return {
        "action": Act.ACTIVATE.value,
        "duration": Span(0) if isinstance(length, Refused) else length,
        "justification": text["reason"],
        "ticket_number": text["ticket"][:64],
        "ticket_system": text["ticket_system"][:64],
        "application": text["application"] or None,
        "network": text["network"] or None,
        "resource": text["resource"] or None,
        "scopes": text["scopes"].split() or None,
        "device": text["device"] or None,
        "sign_ins": whole_number(text["sign_ins"]) or 0 if text["sign_ins"] else None,
    }


_ASK = Page(_NEW, get=_form, post=_ask, signed_in=True, keeps=FIELDS)
ROUTES = (
    Page("/requests", get=_list, signed_in=True),
    _ASK,
    Page("/requests/{request}", get=_show, signed_in=True),
    Page("/requests/{request}/withdraw", post=_withdraw, signed_in=True),
    Page("/requests/{request}/end", post=_end, signed_in=True),
)
