"""
One's own passkeys and recovery codes: behind a second factor that was proved within the last five minutes (R3).
"""

from starlette.responses import Response

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.devices.passkeys import add_own, own_passkeys
from ostiary.services.directory.passkeys import ask_own, own_ways, remove_own
from ostiary.services.directory.recovery import make_codes
from ostiary.web.pages.page import Guest, Page, go, render, step_up, to_sign_in
from ostiary.web.pages.signin import answer_of

__all__ = ["ROUTES"]

_PATH = "/account/passkeys"


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    """The list; before it the second factor, so that nothing that is done here fails for want of it."""
    asked = await ask_own(guest.house, guest.visit, guest.bound)
    if isinstance(asked, Refused) and asked.reason is Reason.STEP_UP:
        return step_up(_PATH)
    ways, mine = await own_ways(guest.house, guest.visit), await own_passkeys(guest.house, guest.visit)
    if isinstance(ways, Refused) or isinstance(mine, Refused):
        return to_sign_in(guest)
    return render(
        guest, "passkeys.html", status=400 if refused else 200, refused=refused, ways=ways, mine=mine,
        asked=None if isinstance(asked, Refused) else asked,
    )  # fmt: skip


async def _add(guest: Guest) -> Response:
    answer = await add_own(guest.house, guest.visit, answer_of(guest), guest.form.get("name", ""))
    return await _page(guest, answer) if isinstance(answer, Refused) else go(_PATH)


async def _remove(guest: Guest) -> Response:
    answer = await remove_own(guest.house, guest.visit, guest.path("passkey")[:64])
    return await _page(guest, answer) if isinstance(answer, Refused) else go(_PATH)


async def _codes(guest: Guest) -> Response:
    """The new codes, in the answer to the form itself: no address exists at which they could be seen again."""
    codes = await make_codes(guest.house, guest.visit)
    if isinstance(codes, Refused):
        return await _page(guest, codes)
    return render(guest, "recovery_codes.html", codes=codes)


ROUTES = (
    Page(_PATH, get=_show, post=_add, signed_in=True),
    Page("/account/passkeys/{passkey}/remove", post=_remove, signed_in=True),
    Page("/account/recovery", post=_codes, signed_in=True),
)
