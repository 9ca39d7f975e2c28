"""
Exemptions: all of them with filters, and one with the sign-ins that it let through and the button that ends it.
"""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.request import Act
from ostiary.core.graph.exemption import SCHEDULE, Assignment
from ostiary.core.graph.query import Compare, Page, Query
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.outcome import Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.list import find_exemption, list_exemptions
from ostiary.services.house import House
from ostiary.services.logs.sign_ins import signins
from ostiary.web.front import typed
from ostiary.web.pages.console.frame import console_page, may, missing, proof_asked, seen, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, Way, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.people import person_path
from ostiary.web.pages.page import LONGEST_TEXT, Guest, go, keep

__all__ = ["ROUTES", "end_way", "exemption_path", "standing_as"]

HERE = at("/console/exemptions")
MOST_SIGN_INS = 20
_STATES = {"active": Tag("open", "good"), "ahead": Tag("ahead"), "over": Tag("over")}


def exemption_path(id: str) -> str:
    """The page of one exemption."""
    return HERE.below(id)


def standing_as(assignment: Assignment) -> Tag:
    """Whether it is open, to be scanned for."""
    return _STATES[assignment.state]


def _assignment(shown: Any, visit: Visit) -> Assignment:
    how = "activated" if shown.act == Act.ACTIVATE else "assigned"
    return Assignment(shown.exemption, shown.principal_name, shown.display_name, visit.now, how)


async def every(house: House, visit: Visit, query: Query) -> Page[Assignment] | Refused:
    """The deed's page, as the admin API shows it."""
    page = await list_exemptions(house, visit, query)
    if isinstance(page, Refused):
        return page
    return Page(tuple(_assignment(each, visit) for each in page.items), page.next, page.count)


def end_way(guest: Guest, assignment: Assignment) -> Way | None:
    """The way to ending it, for whoever may: the page there asks for the reason."""
    if assignment.state == "over" or not may(guest, Action.END_EXEMPTION):
        return None
    about = said("End now: the exemption of %(name)s", name=assignment.display_name)
    return Way(f"{exemption_path(assignment.exemption.id)}#end", "End now", about)


LIST = List(
    HERE,
    SCHEDULE,
    every,
    (
        Column("Person", lambda a: a.display_name, link=lambda a: exemption_path(a.exemption.id)),
        Column("State", standing_as, How.TAG),
        Column("Left", lambda a: a.exemption.ends if a.state == "active" else None, How.LEFT),
        Column("Until", lambda a: a.exemption.over(), How.MOMENT),
        Column("Reason", lambda a: a.exemption.reason),
    ),
    lead="Windows through the block: for one person, for a reason, for a few hours. What ends last is first.",
    empty="No exemption was ever opened: signing in with a device code is closed for everybody.",
    search=Search("User name", "The whole of it: alice@example.com", lambda text: f"principalId eq {literal(text)}"),
    choices=(
        Choice(
            "state", "State", lambda guest: [(key, tag.text) for key, tag in _STATES.items()],
            lambda value: f"ostiary/state eq {literal(value)}",
        ),
    ),
    act=end_way,
    subject="exemptions",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


def _id(guest: Guest) -> ExemptionId:
    return ExemptionId(guest.path("exemption")[:64])


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    house, visit = guest.house, guest.visit
    shown = await find_exemption(house, visit, _id(guest))
    if isinstance(shown, Refused):
        return missing(guest, HERE, "There is no such exemption.")
    through = Query(filter=Compare("exemption", "eq", shown.exemption.id), top=MOST_SIGN_INS)
    sign_ins = await signins(house, visit, through) if may(guest, Action.READ_LOGS) else Page(())
    assignment = _assignment(shown, visit)
    return show(
        guest, "exemption.html", HERE, refused=refused, exemption=shown.exemption, shown=shown,
        state=standing_as(assignment), whose=person_path(shown.exemption.user),
        named=_named(guest, shown.exemption.limits),
        sign_ins=seen(sign_ins), path=exemption_path(shown.exemption.id),
        may_end=end_way(guest, assignment) is not None, reads_people=may(guest, Action.READ_DIRECTORY),
        reason=guest.typed("reason")[:LONGEST_TEXT], me=visit.caller.user, live="exemptions signins",
    )  # fmt: skip


def _named(guest: Guest, limits: Limits) -> Limits:
    """*limits* with the names of what they are narrowed to, as the organisation calls it now."""
    found = guest.house.desk.picture.applications

    def name(id: AppId | None) -> AppId | None:
        return AppId(found[id].name) if id is not None and id in found else id

    return replace(limits, application=name(limits.application), resource=name(limits.resource))


async def _end(guest: Guest) -> Response:
    reason = guest.form.get("reason", "")[:LONGEST_TEXT]
    answer = await end_exemption(guest.house, guest.visit, _id(guest), reason)
    if not isinstance(answer, Refused):
        return go(exemption_path(_id(guest)), typed.forget())
    back = exemption_path(_id(guest))
    return proof_asked(answer, back, keep(guest, _ONE)) or await _page(guest, answer)


_ONE = console_page(HERE, path=HERE.path + "/{exemption}", get=_page, post=_end, keeps=("reason",))
ROUTES = (console_page(HERE, get=_list), _ONE)
