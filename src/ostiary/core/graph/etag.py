"""
Entity tags (RFC 9110 §8.8.3), and which versions a change is for (`If-Match`, §13.1.1): nobody overwrites what they
have not seen.

A resource's tag is its version in quotes, and a strong one: a version stands for exactly one state, dates included.
What differs is refused inside the transaction that decides, with PRECONDITION_FAILED.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.core.words.outcome import Reason, Refused

__all__ = ["ANY", "Seen", "only", "read_if_match", "tag_of"]

LONGEST = 2048  # characters of all fields together
# One place of the list, empty ones too (§5.6.1.2), up to the next comma; a comma may stand inside a tag.
_PLACE = re.compile(r'[ \t]*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|\Z)')
_UNREADABLE = Refused(Reason.INVALID_VALUE, "It is * or a list of entity tags.", field="If-Match")


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody had before their eyes when they decided: only that may be changed."""

    versions: frozenset[str] | None = None
    """Any one of them; None: whatever stands there."""

    def allows(self, version: str) -> bool:
        """Whether what stands at *version* may be changed."""
        return self.versions is None or version in self.versions


ANY = Seen()
"""Nobody said what they saw."""


def only(version: str) -> Seen:
    """That *version* and no other; what a form leaves empty is none, and was not seen."""
    return Seen(frozenset({version}))


def tag_of(version: str) -> str:
    """The strong entity tag of *version*."""
    return f'"{version}"'


def read_if_match(fields: Iterable[str]) -> Seen | Refused:
    """
    What the `If-Match` *fields* of a request say together: ANY for none of them and for ``*``. A weak tag is read and
    never matches (§13.1.1 compares strongly). Refused: INVALID_VALUE for what is neither.
    """
    given = tuple(fields)
    text = ",".join(given)
    if not given or text.strip(" \t") == "*":
        return ANY
    if len(text) > LONGEST:
        return _UNREADABLE
    found, named, position = set[str](), False, 0
    while position < len(text):
        place = _PLACE.match(text, position)
        if place is None:
            return _UNREADABLE
        weak, version = place.groups()
        named, position = named or version is not None, place.end()
        found |= {version} if version is not None and not weak else set()
    return Seen(frozenset(found)) if named else _UNREADABLE
