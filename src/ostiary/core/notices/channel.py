"""
A channel: where notices go, how many there may be, and how long a message is tried. Pure.
"""

from dataclasses import dataclass
from enum import Enum

from ostiary.core.notices.address import Form
from ostiary.core.notices.kinds import Topic
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after, between, hours, minutes, seconds

__all__ = ["GIVE_UP", "MOST_OF_ONE", "MOST_OF_US", "MOST_WAITING", "PURPOSE", "Alarm", "Channel", "again"]

PURPOSE = "notice-channels"  # of the seal of an address and its secret
MOST_OF_US = 20
"""Channels of the organisation."""
MOST_OF_ONE = 5
"""Channels of one person."""
MOST_WAITING = 1000
"""Messages that wait for one channel; what comes beyond is not written, and an alert says so."""
GIVE_UP = hours(24)
"""After so long a message is not tried any more."""
_STEPS = (seconds(5), seconds(30), minutes(2), minutes(10), hours(1))


class Alarm(Enum):
    """What administrators are told of a channel, each once until it is over. Bits, as they are stored."""

    FAILED = 1
    """A message was given up."""
    OVERFULL = 2
    """Its line is full, and what comes is not kept."""

    @property
    def about(self) -> str:
        """The stable word of the alert."""
        return "notices_failed" if self is Alarm.FAILED else "notices_dropped"


@dataclass(frozen=True, slots=True)
class Channel:
    """One place, without its address."""

    id: str
    name: str
    form: Form
    user: UserId | None
    """Whose; None: the organisation's."""
    about: frozenset[Topic]
    """What the organisation's is narrowed to; empty: everything but checkpoints, which are not for reading."""
    host: str
    """All of its address that is ever shown: a host, or the scheme of a service."""
    created: Instant
    sent: Instant | None = None
    """When a message last arrived."""
    failures: int = 0
    """In a row."""
    trouble: str = ""
    """What the last failure was, in a word."""

    def wants(self, topic: Topic) -> bool:
        """Whether it is told of *topic*."""
        return topic in self.about if self.about else topic is not Topic.ANCHORS


def again(tries: int, created: Instant, now: Instant) -> Instant | None:
    """When to try a message again that failed *tries* times, the last time at *now*; None: not any more."""
    if between(created, now) >= GIVE_UP:
        return None
    step = _STEPS[min(max(tries, 1), len(_STEPS)) - 1]
    return min(after(now, step), after(created, Span(GIVE_UP)))
