"""
Stories: the entries of one sign-in, folded, whatever the order in which they are read.

A story keeps, for each kind, the first and the last entry and how many there were; everything else is derived from
that (`telling.py`). So folding is commutative: any number of readers' batches in any order tell the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant

__all__ = ["Mark", "Story", "belongs", "fold", "from_document", "to_document"]

SOURCES = ("device", "token", "browser")
"""Entries from here are about sign-ins; all others are directory audits."""


class Mark(NamedTuple):
    """One entry, as much of it as a story keeps. Marks sort by time, then by place in the journal."""

    at: int
    stream: str
    number: int
    actor: str
    actor_name: str
    target: str
    address: str
    agent: str
    detail: dict[str, Any]

    @property
    def place(self) -> tuple[int, str, int]:
        """Where it stands among all entries."""
        return self[:3]


@dataclass(frozen=True, slots=True)
class Story:
    """One sign-in's entries, folded."""

    id: str
    first: Mapping[str, Mark] = field(default_factory=dict)
    last: Mapping[str, Mark] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def started(self) -> Instant:
        """When its first entry was written."""
        return Instant(min(mark.at for mark in self.first.values()))

    @property
    def changed(self) -> Instant:
        """When its last entry was written."""
        return Instant(max(mark.at for mark in self.last.values()))


def belongs(kind: str) -> bool:
    """Whether an entry of *kind* is part of a sign-in's story."""
    return kind.partition(":")[0] in SOURCES


def fold(story: Story, entries: Iterable[Recorded]) -> Story:
    """*story* with *entries* in it; each entry must come once, their order does not matter."""
    first, last, counts = dict(story.first), dict(story.last), dict(story.counts)
    for entry in entries:
        mark = _mark(entry)
        earliest, latest = first.get(entry.kind), last.get(entry.kind)
        if earliest is None or mark.place < earliest.place:
            first[entry.kind] = mark
        if latest is None or mark.place > latest.place:
            last[entry.kind] = mark
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
    return replace(story, first=first, last=last, counts=counts)


def _mark(entry: Recorded) -> Mark:
    body = entry.body
    return Mark(
        entry.at, entry.stream, entry.number, entry.actor, body.get("actor_name", ""), entry.target,
        body.get("address", ""), body.get("agent", ""), dict(body.get("detail", {})),
    )  # fmt: skip


def to_document(story: Story) -> dict[str, Any]:
    """As it is stored: JSON values only. What came once is its own last: that is half of a usual story."""
    first = {kind: list(mark) for kind, mark in story.first.items()}
    last = {kind: list(mark) for kind, mark in story.last.items() if mark.place != story.first[kind].place}
    return {"id": story.id, "first": first, "last": last, "counts": dict(story.counts)}


def from_document(document: Mapping[str, Any]) -> Story:
    """Read `to_document`, after a turn through JSON."""
    first, last = ({kind: Mark(*mark) for kind, mark in document[name].items()} for name in ("first", "last"))
    return Story(document["id"], first, {**first, **last}, document["counts"])
