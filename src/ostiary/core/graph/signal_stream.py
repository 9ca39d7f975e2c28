"""
An event stream as administrators see it: whose, how, and what waits on it. Ours, Graph has no such resource.
"""

from dataclasses import dataclass

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.signals.streams import Stream
from ostiary.core.words.instants import Instant

__all__ = ["SIGNAL_STREAM", "ShownStream"]


@dataclass(frozen=True, slots=True)
class ShownStream:
    """One stream with what waits on it."""

    stream: Stream
    application: str
    """The application's name."""
    held: int
    oldest: Instant | None


SIGNAL_STREAM: Shape[ShownStream] = Shape(
    "ostiary/signalStreams",
    "ostiary.signalStream",
    (
        Field("id", Kind.ID, lambda s: s.stream.id),
        Field("appId", Kind.ID, lambda s: s.stream.application),
        Field("appDisplayName", Kind.STRING, lambda s: s.application),
        Field("audience", Kind.STRING, lambda s: s.stream.audience, doc="`aud` of its events."),
        Field("method", Kind.ID, lambda s: s.stream.method.value, doc="push or poll."),
        Field(
            "host", Kind.STRING, lambda s: s.stream.host or None, doc="Where events are pushed to, without the path."
        ),
        Field("status", Kind.ID, lambda s: s.stream.status.value, doc="enabled, paused or disabled."),
        Field("statusReason", Kind.STRING, lambda s: s.stream.why or None),
        Field("createdDateTime", Kind.MOMENT, lambda s: s.stream.created),
        Field("waitingEvents", Kind.INTEGER, lambda s: s.held),
        Field("oldestWaitingDateTime", Kind.MOMENT, lambda s: s.oldest, doc="Since when the first of them waits."),
        Field("failuresInARow", Kind.INTEGER, lambda s: s.stream.failures),
        Field("nextTryDateTime", Kind.MOMENT, lambda s: s.stream.retry),
        Field("droppedEvents", Kind.INTEGER, lambda s: s.stream.dropped),
    ),
)
