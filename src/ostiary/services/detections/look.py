"""
The half of the reader that only looks: the next entries of the journal, what is remembered of them, and what the rules
make of both. What came of it is a value that `read.py` writes down.

Nothing is held between the two, so it may be done wherever the store can be read: by a reader that is far behind, in a
process of its own (`app/detector.py`), and sign-ins have this one's core to themselves.
"""

from typing import NamedTuple, Protocol

from ostiary.core.access.locations import Atlas
from ostiary.core.detections.event import Where, Whereabouts
from ostiary.core.detections.fold import Fault, Folded, fold, needs, watching
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rules import RULES
from ostiary.core.detections.story import stories_of, tell
from ostiary.store import Tx, detections, logs
from ostiary.store.detections import Changes
from ostiary.store.risk import READER

__all__ = ["Detector", "Seen", "look", "whereabouts"]

_WATCHING = watching(RULES)


class Seen(NamedTuple):
    """What the next entries came to. It is worth nothing once the cursor, or what was remembered, is another."""

    after: int
    """Where the cursor was."""
    cursor: int
    """Where it is to be."""
    changes: Changes
    """Of what is remembered."""
    folded: Folded


class Detector(Protocol):
    """Somebody else who looks."""

    async def look(self, most: int) -> Seen | None:
        """As `look`; None where they cannot, for whatever reason: then look yourself. Raises nothing."""

    def close(self) -> None:
        """Let go of it, whatever it does."""


async def look(tx: Tx, where: Whereabouts, most: int) -> Seen | None:
    """Step: run the rules over the next *most* entries; None where there is none. Writes nothing."""
    after = await logs.where(tx, READER) or 0
    entries = await logs.since(tx, after, most)
    if not entries:
        return None
    begun = await detections.load(tx, detections.story_keys(stories_of(entries)))
    events, told = tell(entries, detections.as_stories(begun), where)
    faults: list[Fault] = []
    keys = needs(events, _WATCHING, faults)
    tracks = await detections.load(tx, {key.text for key in keys})
    past = Past(keys, detections.as_tracks(tracks))
    folded = fold(events, past, _WATCHING)
    folded.faults[:0] = faults
    return Seen(after, entries[-1].position, detections.changes(begun | tracks, past.changed(), told), folded)


def whereabouts(atlas: Atlas) -> Whereabouts:
    """What is known of addresses now."""

    def where(address: str) -> Where:
        place = atlas.place(address)
        return Where(place, atlas.operator(place))

    return where
