"""
`/applications/{id}/federatedIdentityCredentials`: whose tokens an application's workloads exchange for ours. Also by
client id, and each by its name.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.trust import TRUST
from ostiary.services.directory.trusts import add_trust, change_trust, find_trust, remove_trust, trusts_of
from ostiary.web.graph.resource import Call, Operation, Path, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_READ, _WRITE = Action.READ_DIRECTORY, Action.WRITE_APPLICATIONS


async def _add(call: Call) -> Any:
    return await add_trust(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _change(call: Call) -> Any:
    return await change_trust(call.house, call.visit, call.path["id"], call.path["trust"], call.changes, call.reason)


async def _remove(call: Call) -> Any:
    return await remove_trust(call.house, call.visit, call.path["id"], call.path["trust"], call.reason)


_ALL: tuple[Operation, ...] = (
    listing(TRUST, _READ, lambda c: trusts_of(c.house, c.visit, c.path["id"])),
    creating(TRUST, _WRITE, _add),
)
_ONE: tuple[Operation, ...] = (
    reading(TRUST, _READ, lambda c: find_trust(c.house, c.visit, c.path["id"], c.path["trust"])),
    changing(TRUST, _WRITE, _change),
    removing(TRUST, _WRITE, _remove),
)
_EACH = ("/applications/{id}", "/applications(appId='{id}')")

PATHS: tuple[Path, ...] = (
    *(Path(f"{one}/federatedIdentityCredentials", _ALL) for one in _EACH),
    *(Path(f"{one}/federatedIdentityCredentials/{{trust}}", _ONE) for one in _EACH),
)
