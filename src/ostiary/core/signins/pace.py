"""
How fast a requester may poll (RFC 8628 §3.5), kept in memory and never written.

Lenient by default, as the clients of the field need it: the first poll at once, an immediate duplicate, and jitter
are all `authorization_pending`; only gross abuse is told to slow down, and never a client that treats `slow_down` as
fatal (R20).
"""

from dataclasses import dataclass

from ostiary.core.words.instants import Instant, Span, after, seconds

SLOWER = seconds(5)  # RFC 8628 §3.5: added for this and all later requests
JITTER = seconds(1)
GROSS = 20  # early polls, beyond on-time ones, that nobody's jitter explains


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one device code."""

    interval: Span
    due: Instant = Instant(0)
    """From when the next poll is on time."""
    early: int = 0
    """Early polls minus on-time ones."""


def step(pace: Pace, now: Instant, *, lenient: bool) -> tuple[Pace, bool]:
    """One poll at *now*: the pace to remember, and whether to say `slow_down`."""
    if now >= pace.due - JITTER:
        return Pace(pace.interval, after(now, pace.interval), max(0, pace.early - 1)), False
    early = pace.early + 1
    if lenient and early <= GROSS:
        return Pace(pace.interval, pace.due, early), False
    interval = Span(pace.interval + SLOWER)
    return Pace(interval, after(now, interval), 0), True
