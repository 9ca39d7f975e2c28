"""
`/identityGovernance/privilegedAccess/group`: exemptions in the words of PIM for Groups.

A request opens (`adminAssign`), asks (`selfActivate`, `selfExtend`) or ends (`adminRemove`, `selfDeactivate`);
schedules and instances show what stands. Who may what is the deeds' to judge, because it depends on whose exemption it
is, and on the rules of the group.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.request import Act, record_of
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.exemption import INSTANCE, SCHEDULE, Assignment
from ostiary.core.graph.exemption_request import REQUEST, Asking
from ostiary.core.graph.exemption_wish import Ask, Ending, Wish, read_request
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.graph.query import Page
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.end import end_exemption, end_exemptions_of
from ostiary.services.exemptions.list import Window, find_exemption, list_exemptions
from ostiary.services.exemptions.open import open_exemption, try_opening
from ostiary.services.exemptions.requests import (
    find_request,
    list_requests,
    requests_to_decide,
    review_break_glass,
)
from ostiary.web.graph.resource import Call, Gives, Path, acting, creating, listing, reading

__all__ = ["PATHS"]

_MAY_WRITE = (Action.OPEN_EXEMPTION, Action.END_EXEMPTION, Action.ASK_EXEMPTION)
_MAY_READ = (Action.READ_EXEMPTIONS, Action.READ_SELF)


async def _request(call: Call) -> Asking | Refused | Invalid:
    """POST of a request."""
    group = call.house.desk.picture.exception_group
    match read_request(call.changes, exception_group=group, now=call.visit.now):
        case Ask(wish, trial):
            shown = await ask_exemption(call.house, call.visit, wish, trial=trial)
            return shown if isinstance(shown, Refused | Invalid) else _asking(shown, call, trial=trial)
        case Wish(opening, trial):
            opened = await (try_opening if trial else open_exemption)(call.house, call.visit, opening)
            return opened if isinstance(opened, Refused) else _recorded(opened, call, trial=trial)
        case Ending() as ending:
            return await _end(call, ending)
        case refused:
            return refused


async def _end(call: Call, ending: Ending) -> Asking | Refused:
    """The answer shows one of those that were ended."""
    if ending.id is not None:
        ended = await end_exemption(call.house, call.visit, ending.id, ending.reason)
    else:
        every = await end_exemptions_of(call.house, call.visit, ending.principal, ending.reason)
        ended = every if isinstance(every, Refused) else every[0]
    return ended if isinstance(ended, Refused) else _recorded(ended, call, action=ending.action)


def _asking(shown: Any, call: Call, *, trial: bool = False) -> Asking:
    names = (shown.principal_name, shown.display_name)
    return Asking(shown.request, shown.exemption, *names, call.visit.now, trial=trial)


def _recorded(shown: Any, call: Call, *, action: str = "", trial: bool = False) -> Asking:
    """An exemption that an administrator opened, or that was ended just now."""
    names = (shown.principal_name, shown.display_name)
    return Asking(record_of(shown.exemption), shown.exemption, *names, call.visit.now, action, trial)


def _asked(run: Callable[[Call], Awaitable[Any]]) -> Callable[[Call], Awaitable[Any]]:
    """*run*, with its requests as they are shown."""

    async def shown(call: Call) -> Any:
        found = await run(call)
        if isinstance(found, Refused):
            return found
        if isinstance(found, Page):
            return Page(tuple(_asking(each, call) for each in found.items), found.next, found.count)
        return _asking(found, call)

    return shown


def _assignment(shown: Any, call: Call) -> Assignment:
    how = "activated" if shown.act == Act.ACTIVATE else "assigned"
    return Assignment(shown.exemption, shown.principal_name, shown.display_name, call.visit.now, how)


def _lister(window: Window, *, mine: bool = False) -> Callable[[Call], Awaitable[Page[Assignment] | Refused]]:
    async def run(call: Call) -> Page[Assignment] | Refused:
        page = await list_exemptions(call.house, call.visit, call.query, window, mine=mine)
        if isinstance(page, Refused):
            return page
        return Page(tuple(_assignment(shown, call) for shown in page.items), page.next, page.count)

    return run


async def _one(call: Call) -> Assignment | Refused:
    shown = await find_exemption(call.house, call.visit, call.path["id"])
    return shown if isinstance(shown, Refused) else _assignment(shown, call)


def _paths(shape: Shape[Assignment], window: Window) -> tuple[Path, ...]:
    base = f"/{shape.name}"
    own = f"{base}/filterByCurrentUser(on='principal')"
    return (
        Path(own, (listing(shape, Action.READ_SELF, _lister(window, mine=True), "List one's own"),)),
        Path(base, (listing(shape, _MAY_READ, _lister(window)),)),
        Path(base + "/{id}", (reading(shape, _MAY_READ, _one),)),
    )


async def _cancel(call: Call) -> Any:
    return await withdraw_request(call.house, call.visit, ExemptionId(call.path["id"]), call.changes.get("why") or "")


async def _review(call: Call) -> Any:
    return await review_break_glass(call.house, call.visit, call.path["id"], call.changes["why"])


def _why(*, required: bool) -> tuple[Field[Any], ...]:
    return (Field("justification", Kind.STRING, write="why", limit=512, required=required),)


_BASE = f"/{REQUEST.name}"
_SELF = Action.READ_SELF
_REQUESTS: tuple[Path, ...] = (
    Path(
        f"{_BASE}/filterByCurrentUser(on='principal')",
        (
            listing(
                REQUEST, _SELF, _asked(lambda c: list_requests(c.house, c.visit, c.query, mine=True)), "List one's own"
            ),
        ),
    ),
    Path(
        f"{_BASE}/filterByCurrentUser(on='approver')",
        (
            listing(
                REQUEST, _SELF, _asked(lambda c: requests_to_decide(c.house, c.visit, c.query)), "List those to decide"
            ),
        ),
    ),
    Path(
        _BASE,
        (
            listing(REQUEST, _MAY_READ, _asked(lambda c: list_requests(c.house, c.visit, c.query))),
            creating(REQUEST, _MAY_WRITE, _request, "Open, ask for, extend or end exemptions"),
        ),
    ),
    Path(
        _BASE + "/{id}", (reading(REQUEST, _MAY_READ, _asked(lambda c: find_request(c.house, c.visit, c.path["id"]))),)
    ),
    Path(
        _BASE + "/{id}/cancel",
        (acting(Action.END_OWN, _cancel, "Withdraw a request", fields=_why(required=False), gives=Gives.NOTHING),),
    ),
    Path(
        _BASE + "/{id}/review",
        (
            acting(
                Action.REVIEW_EXEMPTION,
                _review,
                "Review a break-glass exemption",
                fields=_why(required=True),
                gives=Gives.NOTHING,
            ),
        ),
    ),
)

PATHS: tuple[Path, ...] = (*_REQUESTS, *_paths(SCHEDULE, Window.STANDING), *_paths(INSTANCE, Window.ACTIVE))
