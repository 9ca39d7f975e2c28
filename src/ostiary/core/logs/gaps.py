"""
Entries that are gone: what announces a gap, and which gaps of an export nothing announces (R15).

A leaf hash stays where an entry was pruned or erased. An announcement is an entry after them in the same tree that
names their places; it is never pruned or erased itself. The log's key signs each by itself, since a checkpoint signs
whatever stands in the journal, also what somebody put there who can write the database.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ostiary.core.logs.checkpoint import Note
from ostiary.core.logs.export_lines import canonical_text
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant

__all__ = ["ANNOUNCEMENTS", "SIGNATURE", "Announcement", "Gap", "Gaps", "Trusts", "announcement", "shown",
           "signed_text", "spans"]  # fmt: skip

ANNOUNCEMENTS = frozenset({Kind.LOG_PRUNED, Kind.LOG_ERASED})
SIGNATURE = "signature"
"""Where in the detail of an announcement its signature stands."""
_ID = 4  # bytes, of the key that signed

Trusts = Callable[[Note, int], bool]
"""Whether a key of this log signed the note that may sign at a tree of that size."""


class Announcement(NamedTuple):
    """What one entry says is gone."""

    place: int
    """Its own place in the tree."""
    kind: str
    at: Instant
    places: tuple[tuple[int, int], ...]
    """First and last of each run of places."""
    reason: str
    kept: int = 0
    """Days for which it says that entries are kept; 0: they did not go by their age."""

    @property
    def size(self) -> int:
        """How many entries it says are gone."""
        return sum(last - first + 1 for first, last in self.places)


class Gap(NamedTuple):
    """A run of places without entries."""

    first: int
    last: int
    line: int
    """The line of the first one; the others follow it without another line between."""


def spans(places: Iterable[int]) -> list[list[int]]:
    """Runs of *places*, which rise: first and last of each, as an announcement names them."""
    found: list[list[int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


def signed_text(origin: str, entry: Mapping[str, Any]) -> str:
    """
    What the key of the log *origin* signs in an announcement: its stream, number, kind and detail. No checkpoint and no
    hand-over reads like it.
    """
    told = {name: value for name, value in entry["detail"].items() if name != SIGNATURE}
    return f"{origin}\ngone {entry['stream']} {entry['number']} {entry['action']}\n{canonical_text(told)}\n"


def shown(note: Note) -> str:
    """The signature of *note* as the detail has it: id of the key and signature in base64, as in a signed note."""
    ((_, id, signature),) = note.signatures
    return base64.b64encode(id + signature).decode()


def _note(origin: str, entry: Mapping[str, Any]) -> Note | None:
    """An announcement with its signature; None where there is none."""
    try:
        raw = base64.b64decode(str(entry["detail"].get(SIGNATURE, "")).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return Note(signed_text(origin, entry), ((origin, raw[:_ID], raw[_ID:]),)) if len(raw) > _ID else None


def announcement(index: int, entry: Mapping[str, Any]) -> Announcement | None:
    """What the entry at place *index* announces; None where it is no announcement, or one that cannot be read."""
    if entry.get("action") not in ANNOUNCEMENTS:
        return None
    detail, at = entry.get("detail"), entry.get("at")
    if not isinstance(detail, Mapping) or not isinstance(at, int) or not isinstance(detail.get("places"), list):
        return None
    places = [_span(one, index) for one in detail["places"]]
    readable = tuple(one for one in places if one is not None)
    if len(readable) < len(places):
        return None
    kept = detail.get("kept")
    days = kept if type(kept) is int and kept > 0 else 0
    return Announcement(index, str(entry["action"]), Instant(at), readable, str(detail.get("reason", "")), days)


def _span(value: object, index: int) -> tuple[int, int] | None:
    """A run of places before the announcement at *index*: nothing announces what came after it."""
    if not isinstance(value, list) or len(value) != 2 or not all(type(one) is int for one in value):
        return None
    first, last = value
    return (first, last) if 0 <= first <= last < index else None


class Gaps:
    """The gaps and the announcements of one export, met in its order."""

    def __init__(self, origin: str, trusts: Trusts) -> None:
        """None yet, of the log *origin*."""
        self._origin, self._trusts = origin, trusts
        self._gaps: list[Gap] = []
        self.announcements: list[Announcement] = []

    def gone(self, index: int, line: int) -> None:
        """The entry at place *index* is not there."""
        before = self._gaps[-1] if self._gaps else None
        if before is not None and (before.last, before.line + before.last - before.first) == (index - 1, line - 1):
            self._gaps[-1] = before._replace(last=index)
        else:
            self._gaps.append(Gap(index, index, line))

    def met(self, index: int, entry: Mapping[str, Any]) -> None:
        """The entry at place *index* is there. An announcement that the log's key did not sign announces nothing."""
        found = announcement(index, entry)
        note = _note(self._origin, entry) if found is not None else None
        if found is not None and note is not None and self._trusts(note, index + 1):
            self.announcements.append(found)

    @property
    def count(self) -> int:
        """How many entries are gone."""
        return sum(gap.last - gap.first + 1 for gap in self._gaps)

    def first_gone(self, first: int, last: int) -> Gap | None:
        """What is gone of places *first* to *last*, from the first of them on; None: they are all there."""
        at = max(0, bisect_right(self._gaps, first, key=lambda gap: gap.first) - 1)
        for gap in self._gaps[at : at + 2]:
            begin = max(first, gap.first)
            if begin <= min(last, gap.last):
                return Gap(begin, min(last, gap.last), gap.line + begin - gap.first)
        return None

    def unannounced(self) -> Gap | None:
        """The first part of a gap that no announcement names."""
        said = sorted(span for one in self.announcements for span in one.places)
        at, reach = 0, -1
        for gap in self._gaps:
            first = gap.first
            while at < len(said) and said[at][0] <= max(first, reach + 1):
                reach = max(reach, said[at][1])
                at += 1
                first = max(first, reach + 1)
            first = max(first, reach + 1)
            if first <= gap.last:
                last = min(gap.last, said[at][0] - 1) if at < len(said) else gap.last
                return Gap(first, last, gap.line + first - gap.first)
        return None
