"""
`/ostiary/provisioners`: which systems may provision accounts and groups (SCIM).
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.provisioner import PROVISIONER, ShownProvisioner
from ostiary.core.graph.query import Page
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.provisioners import (
    add_provisioner,
    give_user,
    list_provisioners,
    remove_provisioner,
    renew_token,
)
from ostiary.services.directory.search import user_id
from ostiary.web.graph.resource import REASON, Call, Path, acting, creating, listing, removing

__all__ = ["PATHS"]

_WRITE = Action.WRITE_PROVISIONERS
_RENEW: tuple[Field[Any], ...] = (
    Field("duration", Kind.DURATION, write="length", doc="How long the token lives; half a year."), *REASON,
)  # fmt: skip
_GIVE: tuple[Field[Any], ...] = (
    Field("userId", Kind.ID, write="user", required=True, doc="Whose account: id or address."), *REASON,
)  # fmt: skip


async def _list(call: Call) -> Any:
    page = await list_provisioners(call.house, call.visit, call.query)
    if isinstance(page, Refused):
        return page
    return Page(tuple(ShownProvisioner(one) for one in page.items), None, page.count)


async def _add(call: Call) -> Any:
    asked = call.changes
    made = await add_provisioner(
        call.house, call.visit, asked["name"], asked.get("networks") or (), asked.get("length"), call.reason
    )
    return made if isinstance(made, Refused) else ShownProvisioner(made.provisioner, made.token)


async def _renew(call: Call) -> Any:
    made = await renew_token(call.house, call.visit, call.path["id"], call.changes.get("length"), call.reason)
    return made if isinstance(made, Refused) else {"token": made.token, "endDateTime": to_iso(made.ends)}


async def _give(call: Call) -> Any:
    user = await user_id(call.house, call.changes["user"])
    given = await give_user(call.house, call.visit, call.path["id"], user, call.reason)
    return given if isinstance(given, Refused) else {"value": True}


PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/provisioners",
        (listing(PROVISIONER, Action.READ_DIRECTORY, _list), creating(PROVISIONER, _WRITE, _add)),
    ),
    Path(
        "/ostiary/provisioners/{id}",
        (removing(PROVISIONER, _WRITE, lambda c: remove_provisioner(c.house, c.visit, c.path["id"], c.reason)),),
    ),
    Path("/ostiary/provisioners/{id}/renew", (acting(_WRITE, _renew, "Make a new token", fields=_RENEW),)),
    Path(
        "/ostiary/provisioners/{id}/give",
        (acting(_WRITE, _give, "Give an account that is there to a provisioner", fields=_GIVE),),
    ),
)
