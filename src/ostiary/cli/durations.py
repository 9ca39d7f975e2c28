"""
Lengths of time as people write them (`90m`, `2h`, `PT2H`) and as we show them.
"""

from ostiary.client.errors import Misused
from ostiary.core.words.instants import Span, from_duration, to_iso_duration

__all__ = ["iso_length", "left", "seconds_of"]


def seconds_of(text: str, flag: str) -> float:
    """The seconds of *text*. Raises Misused, naming the *flag*."""
    return _span(text, flag) / 1_000_000


def iso_length(text: str, flag: str) -> str:
    """*text* as ISO 8601, e.g. ``PT2H``. Raises Misused, naming the *flag*."""
    return to_iso_duration(_span(text, flag))


def left(seconds: float) -> str:
    """A length for the person: ``4:05`` under an hour, ``1:04:05`` above."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _span(text: str, flag: str) -> Span:
    try:
        return from_duration(text)
    except ValueError as fault:
        raise Misused(f"{flag}: {fault}") from fault
