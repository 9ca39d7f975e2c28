"""
What somebody typed into a form, sealed for their browser to keep while they sign in or prove themselves again (R17).

It counts for the page and the person that it was typed by, and a quarter of an hour; it fills in fields again and does
nothing else.
"""

import zlib
from collections.abc import Mapping

import orjson

from ostiary.core.words.instants import after, minutes
from ostiary.core.words.jose import decode, encode
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House

__all__ = ["KEPT", "LONGEST_TEXT", "LONG_TEXT", "open_typed", "seal_typed"]

KEPT = minutes(15)
LONGEST_TEXT = 600  # characters of one field; what reads it refuses as much
LONG_TEXT = 65_536  # of one where a document is typed: a part of one would be worse than none
_PLACE = ("typed", "typed", "cookie", "fields")


def seal_typed(
    house: House, visit: Visit, path: str, by: str, fields: Mapping[str, str], *, longest: int = LONGEST_TEXT
) -> str:
    """*fields* of the page at *path*, typed by the user *by*, up to *longest* characters of each."""
    content = [path, by[:64], after(visit.now, KEPT), {name: text[:longest] for name, text in fields.items()}]
    return encode(house.vault.seal(*_PLACE, zlib.compress(orjson.dumps(content))))


def open_typed(house: House, visit: Visit, path: str, sealed: str) -> dict[str, str]:
    """What the caller typed at the page at *path*, by field; empty where *sealed* does not count."""
    raw = decode(sealed)
    if not raw or visit.caller.user is None:
        return {}
    try:
        whose, by, ends, fields = orjson.loads(zlib.decompress(house.vault.open(*_PLACE, raw)))
    except (SealBroken, zlib.error):  # the second: sealed by a version that did not press it
        return {}
    counts = (whose, by) == (path, visit.caller.user) and visit.now < ends
    return dict(fields) if counts else {}
