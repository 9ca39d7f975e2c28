"""
People: all accounts, and one with its groups, its machines and what is open.
"""

from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.core.directory.people import Role, User
from ostiary.core.graph.query import Compare, Query
from ostiary.core.graph.user import USER
from ostiary.core.words.outcome import Refused
from ostiary.services.devices.inventory import list_devices
from ostiary.services.directory.people import find_user
from ostiary.services.directory.search import groups_of, search_users
from ostiary.services.exemptions.list import Window, list_exemptions
from ostiary.web.pages.console.frame import console_page, missing, seen, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES", "person_path"]

HERE = at("/console/people")
MOST_SHOWN = 50
_ROLES = {
    Role.ADMINISTRATOR: marked("administrator"),
    Role.APPROVER: marked("approver"),
    Role.AUDITOR: marked("auditor"),
}
_ON = Tag("enabled", "good"), Tag("disabled", "bad")


def person_path(id: str) -> str:
    """The page of one account."""
    return HERE.below(id)


def _ask(text: str) -> str:
    begins = literal(text)
    return f"startswith(displayName,{begins}) or startswith(userPrincipalName,{begins})"


def _roles(user: User) -> tuple[str, ...]:
    return tuple(text for role, text in _ROLES.items() if role in user.roles)


LIST = List(
    HERE,
    USER,
    search_users,
    (
        Column("Name", lambda u: u.display_name, link=lambda u: person_path(u.id)),
        Column("User name", lambda u: u.principal_name),
        Column("Roles", _roles, How.TAG),
        Column("Account", lambda u: _ON[0] if u.enabled else _ON[1], How.TAG),
        Column("Since", lambda u: u.created, How.MOMENT),
    ),
    lead="Every account of the organisation, by user name.",
    empty="There are no accounts yet.",
    search=Search("Name or user name", "How it begins", _ask),
    choices=(
        Choice(
            "role", "Role", lambda guest: [(str(role), text) for role, text in _ROLES.items()],
            lambda value: f"ostiary/roles/any(r:r eq {literal(value)})",
        ),
        Choice(
            "account", "Account", lambda guest: (("true", _ON[0].text), ("false", _ON[1].text)),
            lambda value: f"accountEnabled eq {value}",
        ),
    ),
    subject="people",
    order="userPrincipalName",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    house, visit, id = guest.house, guest.visit, guest.path("person")[:64]
    user = await find_user(house, visit, id)
    if isinstance(user, Refused):
        return missing(guest, HERE, "There is no such account.")
    some = Query(top=MOST_SHOWN)
    standing = Query(top=MOST_SHOWN, filter=Compare("user", "eq", user.id))
    return show(
        guest, "person.html", HERE, user=user, roles=_roles(user), account=_ON[0] if user.enabled else _ON[1],
        groups=seen(await groups_of(house, visit, user.id, some)),
        devices=seen(await list_devices(house, visit, some, user.id)),
        exemptions=seen(await list_exemptions(house, visit, standing, Window.STANDING)),
        signins=f"/console/signins?{urlencode({'q': user.principal_name})}", live="people exemptions",
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{person}", get=_one))
