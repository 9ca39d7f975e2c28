"""
Machines of the inventory: all of them, and one with what is known of it.
"""

from starlette.responses import Response

from ostiary.core.devices.device import State
from ostiary.core.graph.device import DEVICE, ShownDevice
from ostiary.core.words.outcome import Refused
from ostiary.services.devices.inventory import find_device, list_devices
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.people import person_path
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/devices")
_STATES = {
    State.PENDING: Tag("not admitted yet"),
    State.ADMITTED: Tag("admitted", "good"),
    State.LAPSED: Tag("lapsed", "bad"),
    State.REVOKED: Tag("revoked", "bad"),
}


def _state(shown: ShownDevice) -> Tag:
    return _STATES[shown.state]


LIST = List(
    HERE,
    DEVICE,
    list_devices,
    (
        Column("Name", lambda s: s.device.name, link=lambda s: HERE.below(s.device.id)),
        Column("State", _state, How.TAG),
        Column("Owner", lambda s: s.owner_name),
        Column("Last seen", lambda s: s.device.seen, How.MOMENT),
    ),
    lead="Machines that policy may trust: enrolled, and admitted by somebody or by a rule.",
    empty="No machine is in the inventory yet.",
    search=Search(
        "Name or owner", "How the name begins, or the owner's whole user name",
        lambda text: f"startswith(displayName,{literal(text)}) or ostiary/owner eq {literal(text)}",
    ),
    choices=(
        Choice(
            "managed", "Managed", lambda guest: (("true", marked("managed")), ("false", marked("not managed"))),
            lambda value: f"isManaged eq {value}",
        ),
    ),
    subject="devices",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    found = await find_device(guest.house, guest.visit, guest.path("device")[:64])
    if isinstance(found, Refused):
        return missing(guest, HERE, "There is no such machine.")
    device = found.device
    return show(
        guest, "device.html", HERE, device=device, state=_state(found), owner=found.owner_name,
        whose=person_path(device.owner) if device.owner else "", complies=device.complies(guest.visit.now),
        live="devices",
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{device}", get=_one))
