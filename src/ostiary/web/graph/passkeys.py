"""
`/users/{id}/authentication/fido2Methods`: somebody's passkeys, taking one away, and parting one from its machine.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.passkey import PASSKEY
from ostiary.core.graph.query import Page
from ostiary.core.words.outcome import Refused
from ostiary.services.devices.passkeys import part_passkey, passkeys_of
from ostiary.services.directory.passkeys_of_others import remove_passkey_of
from ostiary.services.directory.search import user_id
from ostiary.web.graph.resource import REASON, Call, Gives, Path, acting, listing, removing

__all__ = ["PATHS"]


async def _list(call: Call) -> Any:
    """All on one page: nobody has more than twenty."""
    found = await passkeys_of(call.house, call.visit, await user_id(call.house, call.path["id"]))
    return found if isinstance(found, Refused) else Page(found, count=len(found))


async def _remove(call: Call) -> Any:
    user = await user_id(call.house, call.path["id"])
    return await remove_passkey_of(call.house, call.visit, user, call.path["method"], call.reason)


async def _part(call: Call) -> Any:
    user = await user_id(call.house, call.path["id"])
    return await part_passkey(call.house, call.visit, user, call.path["method"], call.reason)


PATHS: tuple[Path, ...] = (
    Path(
        "/users/{id}/authentication/fido2Methods",
        (listing(PASSKEY, Action.READ_DIRECTORY, _list, "List the passkeys of a person"),),
    ),
    Path(
        "/users/{id}/authentication/fido2Methods/{method}",
        (removing(PASSKEY, Action.WRITE_USERS, _remove, "Take a passkey away from a person, with the reason"),),
    ),
    Path(
        "/users/{id}/authentication/fido2Methods/{method}/ostiary.partFromDevice",
        (
            acting(
                Action.WRITE_USERS,
                _part,
                "A passkey stands for no machine any more",
                fields=REASON,
                gives=Gives.NOTHING,
            ),
        ),
    ),
)
