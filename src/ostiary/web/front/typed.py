"""
The cookie that keeps what somebody typed while they sign in or prove themselves again, so that nobody types it twice:
sealed, and never in an address.
"""

from collections.abc import Mapping

from ostiary.core.words.instants import to_seconds
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.typed import KEPT, LONG_TEXT, LONGEST_TEXT, open_typed, seal_typed
from ostiary.web.front.credentials import cookie, set_cookie
from ostiary.web.front.visit import Scope

__all__ = ["BY", "forget", "keep", "kept"]

NAME = "__Host-typed"
BY = "typed_by"
"""The hidden field that says whose page it was: a session that ended names nobody any more."""
LARGEST = 3800  # bytes of the value: browsers take 4096 with the name and attributes


def keep(
    house: House, visit: Visit, path: str, form: Mapping[str, str], names: tuple[str, ...], *, long: bool = False
) -> tuple[bytes, bytes]:
    """
    The header that keeps the fields *names* of *form* for the page at *path*; too much is not kept at all. *long*: one
    of them is a document, and is never cut.
    """
    fields = {name: form[name] for name in names if name in form}
    longest, by = LONG_TEXT if long else LONGEST_TEXT, form.get(BY) or visit.caller.user or ""
    value = seal_typed(house, visit, path, by, fields, longest=longest)
    return set_cookie(NAME, value, seconds=to_seconds(KEPT)) if len(value) <= LARGEST else forget()


def forget() -> tuple[bytes, bytes]:
    """The header that lets go of it."""
    return set_cookie(NAME, "")


def kept(house: House, visit: Visit, scope: Scope) -> dict[str, str]:
    """What the caller typed at this page before, by field."""
    return open_typed(house, visit, scope["path"], cookie(scope, NAME))
