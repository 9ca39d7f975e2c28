"""
Where the journal is sent, as the admin API shows it. Ours, Graph has none.
"""

from dataclasses import dataclass, field

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.logs.sinks import Body, Form, Sink
from ostiary.core.words.destinations import LONGEST_URL

__all__ = ["SINK", "ShownSink"]


@dataclass(frozen=True, slots=True)
class ShownSink:
    """A sink; the secret of a webhook only in the answer that made it."""

    sink: Sink
    secret: str = field(default="", repr=False)


SINK: Shape[ShownSink] = Shape(
    "ostiary/logSinks",
    "ostiary.logSink",
    (
        Field("id", Kind.ID, lambda s: s.sink.id),
        Field("displayName", Kind.STRING, lambda s: s.sink.name, write="name", required=True, limit=64),
        Field(
            "kind", Kind.ID, lambda s: s.sink.form.value, write="form", required=True,
            values=tuple(form.value for form in Form),
        ),
        Field(
            "format", Kind.ID, lambda s: s.sink.body.value, write="body", values=tuple(body.value for body in Body),
            doc="json unless something is said; cef of syslog only.",
        ),
        Field(
            "address", Kind.STRING, write="address", required=True, limit=LONGEST_URL,
            doc="https address of a webhook, host:port of syslog over TLS. Sealed; never shown again.",
        ),
        Field("host", Kind.STRING, lambda s: s.sink.host, doc="All of its address that is shown."),
        Field("createdDateTime", Kind.MOMENT, lambda s: s.sink.created),
        Field("lastSentDateTime", Kind.MOMENT, lambda s: s.sink.sent, doc="When entries last arrived."),
        Field("behind", Kind.INTEGER, lambda s: s.sink.behind, doc="About how many entries it has still to be sent."),
        Field("failures", Kind.INTEGER, lambda s: s.sink.failures, doc="Tries that failed since then."),
        Field("trouble", Kind.STRING, lambda s: s.sink.trouble or None, doc="Why the last one failed."),
        Field("secret", Kind.STRING, lambda s: s.secret or None, doc="Of a webhook; shown once, when it is made."),
        Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
    ),
)  # fmt: skip
