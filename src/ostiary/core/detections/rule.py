"""
What a rule is: a value with two pure functions.

`keys` says which tracks an event makes it look at, `look` what it finds and what it remembers; it may look at no other
track. A fact that is not known is evidence of nothing: each rule's file says which it needs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity
from ostiary.core.detections.memory import Key, Past
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, days

__all__ = ["Rule", "nothing"]


def nothing(event: Event) -> Iterable[Key]:
    """The keys of a rule that remembers nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    """Its name, as its file's; never used again for another."""
    title: str
    severity: Severity
    explanation: str
    """What it sees, and what that may mean: one or two sentences."""
    false_positives: str
    """When it is harmless."""
    watches: frozenset[Kind]
    look: Callable[[Event, Past], Found | None]
    keys: Callable[[Event], Iterable[Key]] = nothing
    covers: tuple[str, ...] = ()
    """Published rules that look for the same, by their ids in `published.py`."""
    needs: str = ""
    """What must be known for it to see anything, beside the journal."""
    once: Span = days(1)
    """Of one subject there is one finding in so long."""
