"""
A replay: the rules over history, with a memory of its own that begins empty and is thrown away.

Fed with the entries of a journal in their order it finds what the live reader finds, since it is the same fold.
Bounded: what is remembered of the longest ago goes first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ostiary.core.detections.event import Whereabouts
from ostiary.core.detections.finding import Finding
from ostiary.core.detections.fold import Fault, fold, needs, watching
from ostiary.core.detections.memory import Past, Track
from ostiary.core.detections.risk import Ranks, ranks, risen
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.story import Begun, stories_of, tell
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant, Span, after, minutes

__all__ = ["Open", "Replay", "Replays"]

TIDY = 5_000  # entries, after which what counts for nothing is forgotten
MOST = 400_000  # tracks, and as many sign-ins, that one replay remembers
FOUND = 100_000  # findings that it knows apart


@dataclass(slots=True)
class Replay:
    """One run of *rules* over a journal."""

    rules: Sequence[Rule]
    entries: int = 0
    """How many were read."""
    counts: Counter[str] = field(default_factory=Counter)
    """Findings by rule: one for each that would be stored."""
    held_back: int = 0
    """Beyond the bounds (R21)."""
    faults: Counter[str] = field(default_factory=Counter)
    """By rule: entries that it could not look at."""
    _tracks: dict[str, tuple[Track, Instant]] = field(default_factory=dict)
    _stories: dict[str, Begun] = field(default_factory=dict)
    _found: dict[str, Ranks] = field(default_factory=dict)

    def branch(self) -> "Replay":
        """Another one that goes on from here: what it reads, this one has not read."""
        return replace(
            self, counts=self.counts.copy(), faults=self.faults.copy(), _tracks=self._tracks.copy(),
            _stories=self._stories.copy(), _found=self._found.copy(),
        )  # fmt: skip

    def feed(self, entries: Sequence[Recorded], where: Whereabouts, *, since: Instant = Instant(0)) -> list[Finding]:
        """
        What the rules find in *entries*, the next ones; a finding once, and again where it rose (`risen`). What lies
        before *since* is remembered and makes none.
        """
        if not entries:
            return []
        watched = watching(self.rules)
        events, told = tell(entries, self._stories_of(entries), where)
        faults: list[Fault] = []
        keys = needs(events, watched, faults)
        past = Past(keys, {key.text: self._tracks[key.text][0] for key in keys if key.text in self._tracks})
        folded = fold(events, past, watched)
        self._stories |= told
        self._tracks |= past.changed()
        self.faults.update({(fault.rule, fault.entry): fault.rule for fault in (*faults, *folded.faults)}.values())
        self.held_back += sum(count for (_, hour), count in folded.held_back.items() if hour >= since)
        self._count(entries)
        return self._new(finding for finding in folded.findings if finding.at >= since)

    def _stories_of(self, entries: Sequence[Recorded]) -> dict[str, Begun]:
        return {id: self._stories[id] for id in stories_of(entries) if id in self._stories}

    def _new(self, findings: Iterable[Finding]) -> list[Finding]:
        new = []
        for finding in findings:
            before = self._found.get(finding.id)
            now = ranks(finding) if before is None else risen(before, finding)
            if now is None:
                continue
            if before is not None or len(self._found) < FOUND:
                self._found[finding.id] = now
            self.counts[finding.rule] += before is None
            new.append(finding)
        return new

    def _count(self, entries: Sequence[Recorded]) -> None:
        before, self.entries = self.entries, self.entries + len(entries)
        if before // TIDY != self.entries // TIDY:
            now = entries[-1].at
            live = {text: track for text, track in self._tracks.items() if track[1] > now}
            self._tracks = dict(sorted(live.items(), key=lambda pair: pair[1][1])[-MOST:])
            begun = {id: story for id, story in self._stories.items() if story.expires > now}
            self._stories = dict(sorted(begun.items(), key=lambda pair: pair[1].last)[-MOST:])


@dataclass(slots=True)
class Open:
    """A replay that somebody goes through piece by piece."""

    owner: str
    """Who may go on with it: an actor of the journal."""
    replay: Replay
    since: Instant
    until: Instant
    keep: bool
    head: int
    """Position of the last entry that there was when it began."""
    used: Instant
    position: int = 0


class Replays:
    """Those of this process: a few at once, and none that nobody goes on with."""

    MOST = 2
    IDLE: Span = minutes(5)

    def __init__(self) -> None:
        """None."""
        self._open: dict[str, Open] = {}

    def begin(self, id: str, opened: Open) -> bool:
        """Keep *opened* under *id*; False: there are too many."""
        now = opened.used
        self._open = {key: one for key, one in self._open.items() if now < after(one.used, self.IDLE)}
        if len(self._open) >= self.MOST:
            return False
        self._open[id] = opened
        return True

    def find(self, id: str, owner: str) -> Open | None:
        """That of *id*, if it is *owner*'s."""
        found = self._open.get(id)
        return found if found is not None and found.owner == owner else None

    def end(self, id: str) -> None:
        """Forget it."""
        self._open.pop(id, None)
