"""
`/devices`: the inventory of machines, and what an administrator or the owner does to them.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.device import ADMISSION, DEVICE
from ostiary.services.devices.inventory import (
    admit_device,
    change_device,
    delete_device,
    find_device,
    list_devices,
    register_device,
    revoke_device,
)
from ostiary.services.directory.search import user_id
from ostiary.web.graph.resource import REASON, Call, Gives, Path, acting, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_READ = (Action.READ_DIRECTORY, Action.READ_SELF)
_WRITE = Action.WRITE_DEVICES
_END = (Action.WRITE_DEVICES, Action.END_OWN)


async def _owned(call: Call) -> Any:
    return await list_devices(call.house, call.visit, call.query, await user_id(call.house, call.path["id"]))


async def _change(call: Call) -> Any:
    return await change_device(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _admit(call: Call) -> Any:
    return await admit_device(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _revoke(call: Call) -> Any:
    return await revoke_device(call.house, call.visit, call.path["id"], call.reason)


PATHS: tuple[Path, ...] = (
    Path(
        "/devices",
        (
            listing(DEVICE, Action.READ_DIRECTORY, lambda c: list_devices(c.house, c.visit, c.query)),
            creating(DEVICE, _WRITE, lambda c: register_device(c.house, c.visit, c.changes, c.reason)),
        ),
    ),
    Path(
        "/devices/{id}",
        (
            reading(DEVICE, _READ, lambda c: find_device(c.house, c.visit, c.path["id"])),
            changing(DEVICE, _WRITE, _change),
            removing(DEVICE, _WRITE, lambda c: delete_device(c.house, c.visit, c.path["id"], c.reason)),
        ),
    ),
    Path(
        "/devices/{id}/ostiary.admit",
        (acting(_WRITE, _admit, "Admit a machine", fields=ADMISSION, gives=Gives.ENTITY, shape=DEVICE),),
    ),
    Path(
        "/devices/{id}/ostiary.revoke",
        (acting(_END, _revoke, "Revoke a machine", fields=REASON, gives=Gives.ENTITY, shape=DEVICE),),
    ),
    Path("/users/{id}/ownedDevices", (listing(DEVICE, _READ, _owned, "List the machines of a person"),)),
    Path(
        "/me/ownedDevices",
        (
            listing(
                DEVICE,
                Action.READ_SELF,
                lambda c: list_devices(c.house, c.visit, c.query, c.visit.caller.id),
                "List one's own machines",
            ),
        ),
    ),
)
