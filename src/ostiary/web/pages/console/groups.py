"""
Groups: all of them, and one with its members. Whoever holds an active exemption is a member of the exception group.
"""

from dataclasses import replace
from functools import partial

from starlette.responses import Response

from ostiary.core.directory.people import EXCEPTION, User
from ostiary.core.graph.group import GROUP
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.outcome import Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.directory.search import find_group, members_of, search_groups
from ostiary.services.house import House
from ostiary.web.pages.console import people
from ostiary.web.pages.console.frame import console_page, missing
from ostiary.web.pages.console.lists import Column, How, List, Search, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/groups")
_EXCEPTION = marked("Whoever holds an active exemption, and nobody else.")
_NOBODY_HOLDS, _NOBODY = marked("Nobody holds an active exemption."), marked("Nobody is in this group.")


LIST = List(
    HERE,
    GROUP,
    search_groups,
    (
        Column("Name", lambda g: g.display_name, link=lambda g: HERE.below(g.id)),
        Column("What for", lambda g: marked("members pass the block") if g.purpose == EXCEPTION else "", How.TAG),
        Column("Description", lambda g: g.description),
        Column("Since", lambda g: g.created, How.MOMENT),
    ),
    lead="The groups that policies and applications name.",
    empty="There are no groups yet.",
    search=Search("Name", "How it begins", lambda text: f"startswith(displayName,{literal(text)})"),
    subject="groups",
)


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _members(house: House, visit: Visit, query: Query, *, group: str) -> Page[User] | Refused:
    return await members_of(house, visit, group, query)


async def _one(guest: Guest) -> Response:
    group = await find_group(guest.house, guest.visit, guest.path("group")[:64])
    if isinstance(group, Refused):
        return missing(guest, HERE, "There is no such group.")
    exception = group.purpose == EXCEPTION
    members = replace(
        people.LIST, here=HERE, path=HERE.below(group.id), title=said("%(name)s", name=group.display_name),
        deed=partial(_members, group=group.id), subject="groups people exemptions",
        lead=_EXCEPTION if exception else said("%(name)s", name=group.description or ""),
        empty=_NOBODY_HOLDS if exception else _NOBODY,
    )  # fmt: skip
    return await listed(guest, members)


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{group}", get=_one))
