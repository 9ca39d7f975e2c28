"""
What time it is.

Owns the only two questions that the house asks a clock: the moment, and how much time has passed. Everybody else gets
*now* as an argument, so that rules can be tried at any moment. `app` brings the `SystemClock`; a test brings one that
it moves by hand.
"""

import time
from typing import Protocol

from ostiary.core.words.instants import Instant, Span, after, between, minutes

__all__ = ["BEHIND", "Clock", "SystemClock"]

BEHIND = minutes(2)
"""A machine further behind than this does no work: whoever checks its tokens lives in another time."""


class Clock(Protocol):
    """What the house needs of a clock."""

    def now(self) -> Instant:
        """The moment: microseconds since 1970 UTC. May jump ahead when somebody sets the machine's clock."""
        ...

    def steady(self) -> Instant:
        """
        Microseconds since some start of no meaning; never goes back.

        Only differences between two of them say anything (pace of polls, silence of a feed); it is no moment and must
        never be stored.
        """
        ...

    def behind(self) -> Span:
        """How far the machine's time is behind `now`: 0 unless somebody set it back."""
        ...


class SystemClock:
    """
    The machine's own clock, which never goes back: what ended stays ended, whoever sets the machine's time.

    INVARIANT: `now` is never less than it was. Where the machine's time was set back, time goes on at the steady
    clock's pace until the machine has caught up.
    """

    __slots__ = ("_at", "_steady")

    def __init__(self, *, not_before: Instant = Instant(0)) -> None:
        """Begin with the machine's time, or with *not_before*: the newest that an earlier process has written."""
        self._at, self._steady = max(_wall(), not_before), self.steady()

    def now(self) -> Instant:
        """The wall clock, or what has passed since it was last ahead."""
        wall, steady = _wall(), self.steady()
        least = after(self._at, between(self._steady, steady))
        if wall < least:
            return least
        self._at, self._steady = wall, steady
        return wall

    def steady(self) -> Instant:
        """The monotonic clock."""
        return Instant(time.monotonic_ns() // 1000)

    def behind(self) -> Span:
        """How far somebody set it back."""
        now = self.now()
        return max(between(_wall(), now), Span(0))


def _wall() -> Instant:
    return Instant(time.time_ns() // 1000)
