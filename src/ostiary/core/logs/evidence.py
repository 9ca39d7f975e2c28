"""
What an export of the journal proves by itself, offline (R15): which of its lines is the first that was changed,
removed, moved or inserted, and what cannot be known from it.

Lines are judged from checkpoint to checkpoint. Each says its own hash and place, which finds what was done without
care; the signed root finds the rest, and then all that can be said is between which two checkpoints it happened.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ostiary.core.logs.checkpoint import (
    Checkpoint,
    HandOver,
    Key,
    Malformed,
    Note,
    read_checkpoint,
    read_hand_over,
)
from ostiary.core.logs.export_lines import Header, Leaf, canonical_text, read_header, read_line
from ostiary.core.logs.gaps import Announcement, Gaps
from ostiary.core.logs.merkle import Frontier, leaf_hash
from ostiary.core.words.instants import Instant, days, to_iso

__all__ = ["Damage", "Found", "Kept", "Report", "verify"]

BATCH = 1_000_000  # lines between two checkpoints: what is held in memory
LATE = days(1)  # by which a seal may seem later than it was: where checkpoints were thinned, an hour


class Damage(StrEnum):
    """What was done to an export, or to the journal before it was made."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    REMOVED = "removed"
    UNPROVEN = "unproven"
    """A gap that nothing in this export announces, while the log goes on after it."""
    EARLY = "early"
    """A gap by age, of entries that were sealed too short a while before."""
    MOVED = "moved"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"
    """Lines with their hashes, among those of one checkpoint."""
    UNSIGNED = "unsigned"
    """A checkpoint that no key signed which the given one vouches for."""
    CUT = "cut"
    """The end is missing, or the log is shorter than it was."""
    FORKED = "forked"
    """Not the log of which a checkpoint was kept."""


class Found(NamedTuple):
    """The first damage."""

    line: int
    """From 1; the first one that it can be."""
    damage: Damage
    text: str
    """One sentence."""
    last: int = 0
    """The last line that it can be, where that is another."""


class Kept(StrEnum):
    """How the log stands to a checkpoint that was kept elsewhere."""

    NONE = "none"
    """None was given: a rewrite by whoever holds the key would not be seen."""
    SAME = "same"
    """The log is the one of every checkpoint that was given, and goes on from each."""
    UNKNOWN = "unknown"
    """The export does not say it of every one: it must begin before it, or be made with it, and end after it."""


@dataclass(slots=True)
class Report:
    """What was found."""

    entries: int = 0
    first: int = 0
    """The place of the first entry in the log."""
    size: int = 0
    """Of the log at the last checkpoint that holds."""
    begins: Instant | None = None
    """When the checkpoint before the first entry was made; None: the log begins here."""
    at: Instant | None = None
    """When the last checkpoint that holds was made."""
    kept: Kept = Kept.NONE
    found: Found | None = None
    gone: int = 0
    """How many of `entries` are not there any more, and only their hashes are."""
    announcements: tuple[Announcement, ...] = ()
    """What the export itself says of entries that are gone, there or before it."""
    unmet: int = 0
    """With how many of the kept checkpoints the log was not compared."""


def verify(lines: Iterable[str], key: Key, *kept: Note | None) -> Report:
    """
    Judge the *lines* of an export, without their ends. *key* is one that its reader trusts; *kept* are checkpoints that
    they kept, signed by it or by one that it vouches for. Stops at the first damage.
    """
    report = Report()
    try:
        _Reading(report, key, [note for note in kept if note is not None]).judge(lines)
    except _Damaged as damaged:
        report.found = damaged.found
    return report


class _Damaged(Exception):
    def __init__(self, line: int, damage: Damage, text: str, last: int = 0) -> None:
        super().__init__(text)
        self.found = Found(line, damage, text, last)


class _Line(NamedTuple):
    number: int
    leaf: Leaf


class _Reading:
    """One pass over an export."""

    def __init__(self, report: Report, key: Key, kept: Sequence[Note]) -> None:
        self._report = report
        self._key = key
        self._kept_notes = kept
        self._kept: list[Checkpoint] = []
        """Those that are met on the way, the largest first."""
        self._unmet: set[tuple[int, bytes]] = set()
        """Size and root of those that were not compared yet."""
        self._newest: Checkpoint | None = None
        self._header = Header("", Frontier(), None, 0, None)
        self._hand_overs: list[HandOver] = []
        self._trusted: dict[Key, tuple[int, int | None]] = {key: (0, None)}
        self._tree = Frontier()
        self._streams: dict[str, int] = {}
        self._at: Instant | None = None
        self._gaps = Gaps("", self._signed)
        self._sealed: list[tuple[int, Instant]] = []
        """Size and time of each checkpoint that was met."""

    def judge(self, lines: Iterable[str]) -> None:
        """Raises _Damaged."""
        numbered = enumerate(lines, 1)
        self._begin(next(numbered, (1, ""))[1])
        batch: list[_Line] = []
        number = 1
        for number, line in numbered:
            found = _read(number, line)
            if isinstance(found, Note):
                self._batch(batch, number, found)
                batch = []
            elif len(batch) == BATCH:
                raise _Damaged(number, Damage.REMOVED, "a checkpoint is missing: too many lines without one")
            else:
                batch.append(_Line(number, found))
        if batch:
            raise _Damaged(batch[0].number, Damage.CUT, "no checkpoint covers these lines", batch[-1].number)
        if self._tree.size != self._header.end:
            text = f"it ends after entry {self._tree.size - 1}, and says that it goes to {self._header.end - 1}"
            raise _Damaged(number, Damage.CUT, text)
        if self._header.newest is not None:
            self._checkpoint(1, self._header.newest)
        if self._newest is None or self._newest.size < self._header.end:
            text = "without the log's newest checkpoint no key vouches for anything here"
            if self._newest is not None:
                text = f"the log had {self._newest.size} entries, and the export says that it goes to {self._tree.size}"
            raise _Damaged(1, Damage.CUT, text)
        self._announced()

    def _announced(self) -> None:
        """Whether every gap is announced. Raises _Damaged: removed where the log tells nothing of it to its end."""
        report = self._report
        report.gone, report.announcements = self._gaps.count, tuple(self._gaps.announcements)
        gap = self._gaps.unannounced()
        if gap is None:
            self._of_age()
            return
        last = gap.line + gap.last - gap.first
        last = last if last > gap.line else 0
        what = f"entry {gap.first} is" if not last else f"entries {gap.first} to {gap.last} are"
        if self._newest is not None and self._newest.size > self._tree.size:
            text = f"{what} not in the journal any more; if an entry announces that, it is after this export's end"
            raise _Damaged(gap.line, Damage.UNPROVEN, text, last)
        text = f"{what} not in the journal any more, and nothing that the log's key signed announces it"
        raise _Damaged(gap.line, Damage.REMOVED, text, last)

    def _of_age(self) -> None:
        """
        Whether what went by its age had been sealed for that long (retention takes nothing else): by the checkpoint
        that covers it, and that which covers the announcement. Raises _Damaged.
        """
        for one in self._report.announcements:
            own = self._covering(one.place) if one.kept else None
            if own is None:
                continue
            young = Instant(own - days(one.kept) + LATE)
            from_there = bisect_right(self._sealed, young, key=lambda sealed: sealed[1])
            least = self._sealed[from_there - 1][0] if from_there else self._header.start.size
            for first, last in one.places:
                gap = self._gaps.first_gone(max(first, least), last)
                if gap is not None:
                    text = f"entry {gap.first} went as older than {one.kept} days, and was sealed after {to_iso(young)}"
                    raise _Damaged(gap.line, Damage.EARLY, text)

    def _covering(self, place: int) -> Instant | None:
        """When the checkpoint was made that covers *place*."""
        at = bisect_right(self._sealed, place, key=lambda sealed: sealed[0])
        return self._sealed[at][1] if at < len(self._sealed) else None

    # ---- the header

    def _begin(self, line: str) -> None:
        try:
            self._header = header = read_header(line)
            self._hand_overs = [read_hand_over(note) for note in header.hand_overs]
            kept = [read_checkpoint(note) for note in self._kept_notes]
            newest = read_checkpoint(header.newest) if header.newest is not None else None
        except Malformed as wrong:
            raise _Damaged(1, Damage.UNREADABLE, f"{wrong}") from None
        self._trust()
        self._gaps = Gaps(header.origin, self._signed)
        if header.checkpoint is not None:
            start = self._checkpoint(1, header.checkpoint)
            if (start.size, start.root) != (header.start.size, header.start.root):
                raise _Damaged(1, Damage.CHANGED, "the tree before the first entry is not that of its checkpoint")
            self._streams, self._at = dict(start.streams), start.at
        elif header.start.size:
            raise _Damaged(1, Damage.REMOVED, "the checkpoint before the first entry is missing")
        self._tree = header.start
        self._newest = newest
        self._report.first = self._report.size = header.start.size
        self._report.begins = self._report.at = self._at
        self._unmet = {(one.size, one.root) for one in kept}
        self._report.unmet = len(self._unmet)
        for one, note in sorted(zip(kept, self._kept_notes, strict=True), key=lambda pair: -pair[0].size):
            self._compare(one, note)

    def _trust(self) -> None:
        """Every key that the given one vouches for, through hand-overs that both sides signed, and for which sizes."""
        trusted = self._trusted
        notes = list(zip(self._hand_overs, self._header.hand_overs, strict=True))
        for _ in notes:  # a chain of that many links at most, from either end
            for one, note in notes:
                if not (one.old in trusted or one.new in trusted) or not _both(one, note):
                    continue
                begins = trusted.get(one.old, (0, None))[0]
                trusted[one.old] = (begins, one.size)
                trusted[one.new] = (one.size, trusted.get(one.new, (0, None))[1])

    def _checkpoint(self, line: int, note: Note) -> Checkpoint:
        """What *note* says, if a trusted key signed it. Raises _Damaged."""
        try:
            found = read_checkpoint(note)
        except Malformed as wrong:
            raise _Damaged(line, Damage.UNREADABLE, f"{wrong}") from None
        if found.origin != self._header.origin:
            raise _Damaged(line, Damage.INSERTED, "a checkpoint of another log")
        if not self._signed(note, found.size):
            raise _Damaged(line, Damage.UNSIGNED, "a checkpoint that neither the given key nor one after it signed")
        return found

    def _signed(self, note: Note, size: int) -> bool:
        return any(
            begins <= size and (ends is None or size <= ends) and note.signed_by(key)
            for key, (begins, ends) in self._trusted.items()
        )

    # ---- a checkpoint that was kept elsewhere

    def _compare(self, kept: Checkpoint, note: Note) -> None:
        """What the header alone says of *kept*; one within the export is met on the way. Raises _Damaged."""
        header = self._header
        if kept.origin != header.origin or not self._signed(note, kept.size):
            raise _Damaged(1, Damage.UNSIGNED, "the kept checkpoint is of another log, or signed by another key")
        newest = self._newest
        if newest is not None and header.newest is not None and not self._signed(header.newest, newest.size):
            raise _Damaged(1, Damage.UNSIGNED, "the newest checkpoint is signed by another key")
        if newest is None or kept.size > newest.size:
            have = newest.size if newest is not None else 0
            raise _Damaged(1, Damage.CUT, f"the log had {kept.size} entries when that checkpoint was kept, now {have}")
        if self._report.kept is Kept.NONE:
            self._report.kept = Kept.UNKNOWN
        if header.start.size < kept.size:  # within, or later than the export's end
            self._kept.append(kept)
        elif header.start.size == kept.size:
            self._same(1, kept, header.start)
        elif header.kept is not None and header.kept.size == kept.size:
            if _joined(header) != header.start:
                raise _Damaged(1, Damage.FORKED, "the log does not go on from the kept checkpoint")
            self._same(1, kept, header.kept)

    def _same(self, line: int, kept: Checkpoint, tree: Frontier) -> None:
        if tree.root != kept.root:
            text = f"the first {kept.size} entries are not those of the kept checkpoint: the log was rewritten"
            raise _Damaged(line, Damage.FORKED, text)
        self._unmet.discard((kept.size, kept.root))
        self._report.unmet = len(self._unmet)
        if not self._unmet:
            self._report.kept = Kept.SAME

    # ---- the lines between two checkpoints

    def _batch(self, batch: Sequence[_Line], line: int, note: Note) -> None:
        checkpoint = self._checkpoint(line, note)
        if checkpoint.size <= self._tree.size or (self._at is not None and checkpoint.at < self._at):
            raise _Damaged(line, Damage.MOVED, "a checkpoint that is older than the one before it")
        _in_order(batch, range(self._tree.size, checkpoint.size), line)
        streams = dict(self._streams)
        for one in batch:
            self._look(one, streams)
        tree = self._grown([one.leaf.leaf for one in batch], line)
        if tree.root != checkpoint.root or streams != dict(checkpoint.streams):
            text = "lines were rewritten together with their hashes: the signed root is another"
            raise _Damaged(batch[0].number, Damage.REWRITTEN, text, batch[-1].number)
        self._tree, self._streams, self._at = tree, streams, checkpoint.at
        self._report.entries += len(batch)
        self._report.size, self._report.at = checkpoint.size, checkpoint.at
        self._sealed.append((checkpoint.size, checkpoint.at))

    def _look(self, one: _Line, streams: dict[str, int]) -> None:
        """Whether the entry has the hash that its line says, and the next number of its stream. Raises _Damaged."""
        number, leaf = one
        if leaf.entry is None:
            self._gaps.gone(leaf.index, number)
        elif leaf_hash(canonical_text(leaf.entry).encode()) != leaf.leaf:
            raise _Damaged(number, Damage.CHANGED, f"entry {leaf.stream}.{leaf.number} is not the one that was written")
        else:
            self._gaps.met(leaf.index, leaf.entry)
        due = streams.get(leaf.stream, 0) + 1
        if leaf.number != due:
            raise _Damaged(number, Damage.REMOVED, f"entry {leaf.stream}.{due} was removed before it was sealed")
        streams[leaf.stream] = leaf.number

    def _grown(self, leaves: list[bytes], line: int) -> Frontier:
        """The tree with *leaves*; on the way it is compared with the kept ones."""
        tree, done = self._tree, 0
        while self._kept and self._kept[-1].size <= self._tree.size + len(leaves):
            kept = self._kept.pop()
            part = kept.size - self._tree.size
            tree, done = tree.grown(leaves[done:part]), part
            self._same(line, kept, tree)
        return tree.grown(leaves[done:])


def _read(number: int, line: str) -> Leaf | Note:
    try:
        return read_line(line)
    except Malformed as wrong:
        raise _Damaged(number, Damage.UNREADABLE, f"{wrong}") from None


def _both(one: HandOver, note: Note) -> bool:
    return note.signed_by(one.old) and note.signed_by(one.new)


def _joined(header: Header) -> Frontier | None:
    try:
        return None if header.kept is None else header.kept.joined(header.subtrees, header.start.size)
    except ValueError:
        return None


def _in_order(batch: Sequence[_Line], places: range, line: int) -> None:
    """Whether the lines have the places that the checkpoint in *line* covers, one after the other. Raises _Damaged."""
    here = {one.leaf.index for one in batch}
    for place, one in zip(places, batch, strict=False):
        index = one.leaf.index
        if index == place:
            continue
        if index in places and index > place:
            if place in here:
                raise _Damaged(one.number, Damage.MOVED, f"entry {index} stands where entry {place} belongs")
            raise _Damaged(one.number, Damage.REMOVED, f"entry {place} is missing before this line")
        raise _Damaged(one.number, Damage.INSERTED, f"entry {index} does not belong before entry {place}")
    if len(batch) < len(places):
        raise _Damaged(line, Damage.REMOVED, f"entry {places[len(batch)]} is missing before this line")
    if len(batch) > len(places):
        raise _Damaged(batch[len(places)].number, Damage.INSERTED, "more lines than the next checkpoint covers")
