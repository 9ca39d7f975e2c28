"""
Requests for exemptions: all of them, whoever asked, and one with the decisions about it. Deciding is done on the page
of approvals, which knows who may.
"""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.request import State
from ostiary.core.graph.exemption_request import REQUEST, Asking
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.requests import find_request, list_requests
from ostiary.services.house import House
from ostiary.web.pages.console.exemptions import exemption_path
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/requests")
_STATES = {
    State.REQUESTED: Tag("waits for a decision"),
    State.PARTLY_APPROVED: Tag("partly approved"),
    State.APPROVED: Tag("approved, not used yet", "good"),
    State.ACTIVE: Tag("open", "good"),
    State.DENIED: Tag("denied", "bad"),
    State.WITHDRAWN: Tag("withdrawn"),
    State.LAPSED: Tag("lapsed"),
    State.EXPIRED: Tag("over"),
    State.RELEASED: Tag("given back"),
    State.REVOKED: Tag("ended"),
    State.KILLED: Tag("ended with the account or by the kill switch"),
}
_WHICH = (
    ("waiting", marked("waits for a decision"), "ostiary/state eq 'waiting'"),
    ("active", marked("open"), "ostiary/state eq 'active'"),
    ("over", marked("over"), "ostiary/state eq 'over'"),
    ("owed", marked("broke glass, and owes a review"), "ostiary/review eq 'owed'"),
)
_MAY_DECIDE = frozenset({Role.ADMINISTRATOR, Role.APPROVER})
"""Roles that are shown the way to the decision; the rules say there who may."""


def state_of(asking: Asking) -> Tag:
    """Where it stands, to be scanned for."""
    return _STATES[asking.state]


def _asking(found: Any, visit: Visit) -> Asking:
    return Asking(found.request, found.exemption, found.principal_name, found.display_name, visit.now)


async def every(house: House, visit: Visit, query: Query) -> Page[Asking] | Refused:
    """The deed's page, as the admin API shows it."""
    page = await list_requests(house, visit, query)
    if isinstance(page, Refused):
        return page
    return Page(tuple(_asking(each, visit) for each in page.items), page.next, page.count)


LIST = List(
    HERE,
    REQUEST,
    every,
    (
        Column("Person", lambda a: a.display_name, link=lambda a: HERE.below(a.request.id)),
        Column("State", state_of, How.TAG),
        Column("Asked", lambda a: a.request.created, How.MOMENT),
        Column("For", lambda a: a.length, How.SPAN),
        Column("Reason", lambda a: a.request.reason),
    ),
    lead="Who asked for an exemption, and what became of it. The newest is first.",
    empty="Nobody has asked for an exemption yet.",
    search=Search("User name", "The whole of it: alice@example.com", lambda text: f"principalId eq {literal(text)}"),
    choices=(
        Choice(
            "state", "State", lambda guest: [(key, text) for key, text, _ in _WHICH],
            lambda value: next(asked for key, _, asked in _WHICH if key == value),
        ),
    ),
    subject="exemptions",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    found = await find_request(guest.house, guest.visit, guest.path("request")[:64])
    if isinstance(found, Refused):
        return missing(guest, HERE, "There is no such request.")
    asking, own = _asking(found, guest.visit), found.request.user == guest.visit.caller.user
    decides = not own and bool(_MAY_DECIDE & guest.visit.caller.roles)
    return show(
        guest, "request.html", HERE, asking=asking, request=asking.request, state=state_of(asking),
        decide=f"/approvals/{quote(asking.request.id, safe='')}" if decides else "",
        gave=exemption_path(asking.exemption.id) if asking.exemption is not None else "", live="exemptions",
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{request}", get=_one))
