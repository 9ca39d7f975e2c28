"""
What a refusal means and what to do next: the page behind every `error_uri`, and the answer to somebody whom policy
blocks.

Reads the one table of refusals; the reference in the address is shown for quoting and never looked up here, so the page
tells a stranger nothing.
"""

import re

from starlette.responses import Response

from ostiary.core.tokens.refusals import Wire, by_number, wire
from ostiary.core.words.outcome import Refused
from ostiary.web.pages.page import Guest, Page, not_found, render

__all__ = ["ROUTES", "explained"]

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_REFERENCE = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


async def _show(guest: Guest) -> Response:
    number, asked = guest.path("number"), guest.query.get("ref", "")
    entries = by_number(int(number)) if _NUMBER.fullmatch(number) else ()
    if not entries:
        return not_found(guest)
    told = asked if _REFERENCE.fullmatch(asked) else ""
    return _page(guest, entries, told)


def explained(guest: Guest, refused: Refused) -> Response:
    """403: *refused* with its rules, its reference and the next step, for the person in front of the page."""
    entry = wire(refused.reason)
    told = refused.reference or guest.visit.id
    return _page(guest, (entry,), told, status=403, rules=refused.rules, own=refused.detail)


def _page(
    guest: Guest, entries: tuple[Wire, ...], told: str, *, status: int = 200, rules: tuple[str, ...] = (),
    own: str = "",
) -> Response:  # fmt: skip
    """*own*: what this very person can do."""
    names = dict.fromkeys(name for entry in entries for name in (entry.device, entry.error) if name)
    number = str(entries[0].aadsts)
    return render(
        guest, "explain.html", status=status, entries=entries, number=number, names=names, told=told, rules=rules,
        own=own,
    )  # fmt: skip


ROUTES = (Page("/error/{number}", get=_show),)
