"""
What is going on in a made-up journal: exemptions and sign-ins on their way, and what people are used to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ostiary.core.detections.scenario.people import App, Person
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant, Span

__all__ = ["Habits", "SignIn", "Window", "in_order"]


@dataclass(slots=True)
class Habits:
    """What a person signed in with before."""

    apps: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Window:
    """One exemption of a person."""

    id: str
    person: Person
    length: Span
    ends: Instant = Instant(0)
    begun: bool = False


@dataclass(slots=True)
class SignIn:
    """One device sign-in on its way."""

    id: str
    app: App
    machine: str
    """Address of the machine that asked."""
    agent: str
    started: Instant
    device: str = ""
    key: str = ""
    person: Person | None = None
    place: str = ""
    """Address of the person who decided."""
    proved: Instant = Instant(0)
    window: Window | None = None
    session: str = ""
    refreshes: int = 0
    oddities: list[str] = field(default_factory=list)


def in_order(*streams: Iterable[Recorded]) -> list[Recorded]:
    """The entries of several pens as one journal."""
    return sorted((entry for stream in streams for entry in stream), key=lambda entry: (entry.at, entry.stream))
