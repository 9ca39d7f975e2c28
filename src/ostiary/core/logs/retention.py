"""
Which entries retention may take: old, sealed, read by every reader, and asked for by nobody (R15).
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import orjson

from ostiary.core.logs.gaps import ANNOUNCEMENTS
from ostiary.core.logs.merkle import leaf_hash
from ostiary.core.logs.told_people import ALWAYS, TELLING
from ostiary.core.words.instants import Instant, Span

__all__ = ["SHORTEST", "Needed", "as_sealed", "cutoff", "is_told", "may_go", "written_before"]

SHORTEST = 30
"""Days: nothing that a deed still looks for in the journal is older."""

_TOLD = frozenset(kind.value for kind in (*ALWAYS, *TELLING))


class Needed(NamedTuple):
    """What is still needed of old entries, as it is in the transaction that takes them."""

    live: Collection[str]
    """Ids of exemptions that are open or owed a review, and of requests that wait."""
    signed_in: Mapping[str, int]
    """Position of the last sign-in of those whom entries are told to, 0 for never; enabled people alone."""


def cutoff(now: Instant, kept: Span) -> Instant:
    """What is older goes."""
    return Instant(max(0, now - kept))


def as_sealed(body: str, leaf: bytes) -> bool:
    """Whether *body* is the entry whose hash the tree holds: one that was changed stays, and an export names it."""
    return leaf_hash(body.encode()) == leaf


def written_before(body: str, before: Instant) -> bool:
    """Whether the entry itself says that it is older: its row in the database may say anything."""
    return int(orjson.loads(body)["at"]) < before


def is_told(kind: str, target: str) -> str:
    """Id of the person whom an entry of *kind* is told to at their next sign-in; empty for nobody."""
    return target.removeprefix("user:") if kind in _TOLD and target.startswith("user:") else ""


def may_go(kind: str, target: str, body: str, position: int, needed: Needed) -> bool:
    """
    Whether the entry may go, as far as those who still need it say. Announcements never do: without them the gap that
    they tell of would be damage.
    """
    if kind in ANNOUNCEMENTS or any(id in body for id in needed.live):
        return False
    last = needed.signed_in.get(is_told(kind, target))
    return last is None or position < last
