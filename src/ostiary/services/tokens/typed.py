"""
What somebody typed into a form, sealed for their browser to keep while they sign in or prove themselves again (R17).

It counts for the page and the person that it was typed by, and a quarter of an hour; it fills in fields again and does
nothing else.
"""

from collections.abc import Mapping

import orjson

from ostiary.core.words.instants import after, minutes
from ostiary.core.words.jose import decode, encode
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House

__all__ = ["KEPT", "open_typed", "seal_typed"]

KEPT = minutes(15)
LONGEST_TEXT = 600  # characters of one field; what reads it refuses as much
_PLACE = ("typed", "typed", "cookie", "fields")


def seal_typed(house: House, visit: Visit, path: str, by: str, fields: Mapping[str, str]) -> str:
    """*fields* of the page at *path*, typed by the user *by*."""
    content = [path, by[:64], after(visit.now, KEPT), {name: text[:LONGEST_TEXT] for name, text in fields.items()}]
    return encode(house.vault.seal(*_PLACE, orjson.dumps(content)))


def open_typed(house: House, visit: Visit, path: str, sealed: str) -> dict[str, str]:
    """What the caller typed at the page at *path*, by field; empty where *sealed* does not count."""
    raw = decode(sealed)
    if not raw or visit.caller.user is None:
        return {}
    try:
        whose, by, ends, fields = orjson.loads(house.vault.open(*_PLACE, raw))
    except SealBroken:
        return {}
    counts = (whose, by) == (path, visit.caller.user) and visit.now < ends
    return dict(fields) if counts else {}
