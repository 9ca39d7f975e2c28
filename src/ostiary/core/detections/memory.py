"""
What rules remember between events: tracks of marks, found by keys, bounded in number and time.

A rule names the keys that an event makes it look at (`Rule.keys`); whoever runs the fold brings the tracks of a whole
batch at once, and keeps those that changed. A mark that is older than its memory lasts, measured at the event that
looks, is not there: so the findings do not depend on when somebody tidied up, nor on how a journal is cut into batches.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant, Span, after

__all__ = ["Key", "Mark", "Memory", "Past", "Track"]

LONGEST = 160
"""Characters of a key; a longer one, which only text from outside can make, stands by its digest."""
TEXT = 128
"""Characters of one text in a mark."""


class Key(NamedTuple):
    """Where one track is found."""

    text: str
    lasts: Span
    most: int


class Memory(NamedTuple):
    """One sort of tracks; a rule has one or more, and no two rules share one."""

    name: str
    """The rule's id, or that and a word behind a dot."""
    lasts: Span
    """How long a mark counts."""
    most: int = 32
    """Marks of a track: the oldest goes."""

    def of(self, *parts: str) -> Key:
        """The key for *parts*, e.g. a person's id."""
        text = f"{self.name}:{'|'.join(parts)}"
        return Key(text if len(text) <= LONGEST else f"{self.name}#{digest(text).hex()}", self.lasts, self.most)


class Mark(NamedTuple):
    """One thing that is remembered."""

    at: Instant
    value: tuple[str, ...] = ()


Track = tuple[Mark, ...]
"""In the order in which they were made; clocks of several nodes may differ a little."""


class Past:
    """The tracks that a batch looks at."""

    def __init__(self, keys: Iterable[Key], known: Mapping[str, Track]) -> None:
        """Those of *keys*, with what is *known* by their texts."""
        self._tracks: dict[str, Track] = {key.text: known.get(key.text, ()) for key in keys}
        self._changed: dict[str, Key] = {}
        self.now = Instant(0)
        """The time of the event that is looked at."""

    def of(self, key: Key) -> Track:
        """What counts now. Raises KeyError for a key that the rule did not name."""
        track = self._tracks[key.text]
        oldest = self.now - key.lasts
        return tuple(mark for mark in track if mark.at > oldest) if track and track[0].at <= oldest else track

    def mark(self, key: Key, *value: str) -> None:
        """Remember *value* now, once more."""
        made = Mark(self.now, tuple(text[:TEXT] for text in value))
        self._tracks[key.text] = (*self.of(key), made)[-key.most :]
        self._changed[key.text] = key

    def know(self, key: Key, *value: str) -> bool:
        """Remember that *value* was seen, once for each; whether it was known before."""
        cut = tuple(text[:TEXT] for text in value)
        track = self.of(key)
        before = next((mark for mark in track if mark.value == cut), None)
        if before is None or self.now - before.at > key.lasts // 8:  # not a write for each time that it is seen
            kept = tuple(mark for mark in track if mark.value != cut)
            self._tracks[key.text] = (*kept, Mark(self.now, cut))[-key.most :]
            self._changed[key.text] = key
        return before is not None

    def replace(self, key: Key, begins: tuple[str, ...], *value: str) -> None:
        """Remember (*begins*, *value*) now, in the place of what begins so."""
        kept = tuple(mark for mark in self.of(key) if mark.value[: len(begins)] != begins)
        made = Mark(self.now, tuple(text[:TEXT] for text in (*begins, *value)))
        self._tracks[key.text] = (*kept, made)[-key.most :]
        self._changed[key.text] = key

    def forget(self, key: Key) -> None:
        """Remember nothing of it."""
        if self._tracks[key.text]:
            self._tracks[key.text] = ()
            self._changed[key.text] = key

    def changed(self) -> dict[str, tuple[Track, Instant]]:
        """What is to be kept, with the time at which it counts for nothing any more; empty tracks are to be removed."""
        found = {text: (self._tracks[text], key.lasts) for text, key in self._changed.items()}
        return {
            text: (track, after(max((mark.at for mark in track), default=Instant(0)), lasts))
            for text, (track, lasts) in found.items()
        }
