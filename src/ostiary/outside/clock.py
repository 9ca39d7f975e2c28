"""
What time it is.

Owns the only two questions that the house asks a clock: the moment, and how much time has passed. Everybody else gets
*now* as an argument, so that rules can be tried at any moment. `app` brings the `SystemClock`; a test brings one that
it moves by hand.
"""

import time
from typing import Protocol

from ostiary.core.words.instants import Instant

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What the house needs of a clock."""

    def now(self) -> Instant:
        """The moment: microseconds since 1970 UTC. May jump when somebody sets the machine's clock."""
        ...

    def steady(self) -> Instant:
        """
        Microseconds since some start of no meaning; never goes back.

        Only differences between two of them say anything (pace of polls, silence of a feed); it is no moment and must
        never be stored.
        """
        ...


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> Instant:
        """The wall clock."""
        return Instant(time.time_ns() // 1000)

    def steady(self) -> Instant:
        """The monotonic clock."""
        return Instant(time.monotonic_ns() // 1000)
