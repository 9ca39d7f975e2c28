"""
One's own machines: what is enrolled in one's name, each with a button that revokes it.
"""

from starlette.responses import Response

from ostiary.core.words.outcome import Refused
from ostiary.services.devices.inventory import own_devices, revoke_device
from ostiary.web.pages.page import Guest, Page, go, render, to_sign_in

__all__ = ["ROUTES"]

_PATH = "/account/devices"


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    mine = await own_devices(guest.house, guest.visit)
    if isinstance(mine, Refused):
        return to_sign_in(guest)
    return render(guest, "devices.html", status=409 if refused else 200, refused=refused, devices=mine)


async def _revoke(guest: Guest) -> Response:
    answer = await revoke_device(guest.house, guest.visit, guest.path("device")[:64])
    return await _page(guest, answer) if isinstance(answer, Refused) else go(_PATH)


ROUTES = (
    Page(_PATH, get=_show, signed_in=True),
    Page("/account/devices/{device}/revoke", post=_revoke, signed_in=True),
)
