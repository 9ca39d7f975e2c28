"""
What is usual: places where machines of a person, or of several people, have been signed in for longer than a day.

A day, so that a campaign does not make itself usual while it runs. Each rule that asks keeps tracks of its own.
"""

from collections.abc import Callable, Iterable

from ostiary.core.detections.event import Event, Side
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.words.instants import Span, days

__all__ = ["Usual", "network_of", "source_of"]

SETTLED = days(1)
Place = Callable[[Side], str]


def network_of(side: Side) -> str:
    """Its autonomous system, or empty."""
    return str(side.network) if side.network else ""


def source_of(side: Side) -> str:
    """Its address or /64, or empty."""
    return side.source


class Usual:
    """Where people's machines are, for one rule."""

    def __init__(self, rule: str, place: Place, *, several: int, lasts: Span = days(30)) -> None:
        """Of places as *place* names them; *several* people make one usual for everybody, 0: no number does."""
        self._mine = Memory(f"{rule}.usual", lasts, most=24)
        self._ours = Memory(f"{rule}.usual_here", lasts, most=several + 5)
        self._place, self._several = place, several

    def keys(self, event: Event, side: Side) -> Iterable[Key]:
        """The tracks that the next three look at."""
        mine = self._mine.of(event.user)
        return (mine, self._ours.of(self._place(side))) if self._several else (mine,)

    def learn(self, event: Event, side: Side, past: Past) -> None:
        """*event*'s person was signed in, or was, at *side*."""
        place = self._place(side)
        if place and event.user:
            _first_seen(past, self._mine.of(event.user), place)
            if not self._several:
                return
            ours = self._ours.of(place)
            if len(past.of(ours)) < ours.most or any(mark.value[0] == event.user for mark in past.of(ours)):
                _first_seen(past, ours, event.user)  # else there are enough, and a new one would push an old one out

    def mine(self, event: Event, side: Side, past: Past) -> bool:
        """Whether *side* is usual for the event's person."""
        place = self._place(side)
        marks = past.of(self._mine.of(event.user))
        return any(mark.value[0] == place and _settled(mark.value[1], past) for mark in marks)

    def ours(self, event: Event, side: Side, past: Past) -> bool:
        """Whether it is usual for several people, this one or others. Raises KeyError where no number makes it so."""
        marks = past.of(self._ours.of(self._place(side)))
        return sum(_settled(mark.value[1], past) for mark in marks) >= self._several

    def places(self, event: Event, past: Past) -> int:
        """How many places the event's person has."""
        return len(past.of(self._mine.of(event.user)))


def _settled(first: str, past: Past) -> bool:
    return past.now - int(first) > SETTLED


def _first_seen(past: Past, key: Key, value: str) -> None:
    """Remember *value* with the time at which it was seen first, for as long as it is seen."""
    mark = next((each for each in past.of(key) if each.value[0] == value), None)
    if mark is None or past.now - mark.at > key.lasts // 8:  # not a write for each time that it is seen
        past.replace(key, (value,), str(past.now) if mark is None else mark.value[1])
