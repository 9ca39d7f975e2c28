"""
Moments as people write them on a command line.
"""

from datetime import date

from ostiary.cli.durations import seconds_of
from ostiary.cli.errand import Errand
from ostiary.core.words.instants import Instant, from_iso, from_seconds

__all__ = ["when"]


def when(errand: Errand, text: str, flag: str) -> Instant | None:
    """A date (midnight UTC), a date-time or a length of time back (`7d`); None for "". Raises Misused."""
    if not text:
        return None
    try:
        day = f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if len(text) == len("2026-11-28") else text
        return from_iso(day)
    except ValueError:
        return from_seconds(max(0.0, errand.machine.wall() - seconds_of(text, flag)))
