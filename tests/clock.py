"""
A clock that tests move; the product has no switch for it.
"""

from ostiary.core.words.instants import Instant, Span, after, from_iso


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self, start: str = "2026-11-23T08:00:00Z") -> None:
        """Begin at *start* (RFC 3339)."""
        self._now = from_iso(start)

    def now(self) -> Instant:
        """The wall clock."""
        return self._now

    def steady(self) -> Instant:
        """The monotonic clock: here the same."""
        return self._now

    def behind(self) -> Span:
        """Nobody set it back."""
        return Span(0)

    def move(self, span: Span) -> None:
        """Let *span* pass (backwards when negative)."""
        self._now = after(self._now, span)
