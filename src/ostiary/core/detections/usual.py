"""
Where a person's machines usually are: networks in which they signed one in, settled for a day, so that a relay that
worked once makes no place usual at once.

A rule that asks brings a memory of its own, marks it at redemptions and asks it before.
"""

from ostiary.core.detections.event import Event, Side
from ostiary.core.detections.memory import Key, Past
from ostiary.core.words.instants import days

__all__ = ["SETTLED", "remember", "usual"]

SETTLED = days(1)


def remember(event: Event, past: Past, key: Key) -> None:
    """The redemption *event* was in its network; when that was first is kept."""
    place = _place(event.side)
    if place and all(mark.value[0] != place for mark in past.of(key)):
        past.mark(key, place)


def usual(side: Side, past: Past, key: Key) -> bool:
    """Whether the person signed in a machine in the network of *side* at least `SETTLED` before."""
    place = _place(side)
    return any(mark.value[0] == place and past.now - mark.at >= SETTLED for mark in past.of(key)) if place else False


def _place(side: Side) -> str:
    return f"AS{side.network}" if side.network else side.source
