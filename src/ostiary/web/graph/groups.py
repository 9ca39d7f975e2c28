"""
`/groups` and their members. The exception group is one of them, and takes no member here.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.group import GROUP
from ostiary.core.graph.reference import REFERENCE, referred
from ostiary.core.graph.user import USER
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.groups import add_member, change_group, create_group, delete_group, remove_member
from ostiary.services.directory.search import find_group, members_of, search_groups
from ostiary.web.graph.resource import Call, Gives, Path, acting, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_READ, _WRITE = Action.READ_DIRECTORY, Action.WRITE_GROUPS


async def _change(call: Call) -> Any:
    return await change_group(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _add_member(call: Call) -> Any:
    user = referred(call.changes["reference"])
    if user is None:
        text = "The address of a person is needed: …/directoryObjects/{id}."
        return Refused(Reason.INVALID_VALUE, text, field="$.@odata.id")
    return await add_member(call.house, call.visit, call.path["id"], user)


async def _remove_member(call: Call) -> Any:
    return await remove_member(call.house, call.visit, call.path["id"], call.path["member"])


PATHS: tuple[Path, ...] = (
    Path(
        "/groups",
        (
            listing(GROUP, _READ, lambda c: search_groups(c.house, c.visit, c.query)),
            creating(GROUP, _WRITE, lambda c: create_group(c.house, c.visit, c.changes, c.reason)),
        ),
    ),
    Path(
        "/groups/{id}",
        (
            reading(GROUP, _READ, lambda c: find_group(c.house, c.visit, c.path["id"])),
            changing(GROUP, _WRITE, _change),
            removing(GROUP, _WRITE, lambda c: delete_group(c.house, c.visit, c.path["id"])),
        ),
    ),
    Path(
        "/groups/{id}/members",
        (
            listing(
                USER,
                _READ,
                lambda c: members_of(c.house, c.visit, c.path["id"], c.query),
                "List members; of the exception group, whoever has an active exemption",
            ),
        ),
    ),
    Path(
        "/groups/{id}/members/$ref",
        (acting(_WRITE, _add_member, "Add a standing member", fields=REFERENCE, gives=Gives.NOTHING),),
    ),
    Path("/groups/{id}/members/{member}/$ref", (removing(USER, _WRITE, _remove_member, "Remove a standing member"),)),
)
