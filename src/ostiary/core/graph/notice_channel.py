"""
Where notices go, as the admin API shows it: the organisation's channels and the caller's own. Ours, Graph has none.
"""

from dataclasses import dataclass, field, replace

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.notices.address import Form
from ostiary.core.notices.channel import Channel
from ostiary.core.notices.kinds import Topic
from ostiary.core.words.destinations import LONGEST_URL

__all__ = ["CHANNEL", "OWN_CHANNEL", "ShownChannel"]


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A channel; the secret of a webhook only in the answer that made it."""

    channel: Channel
    secret: str = field(default="", repr=False)


_FORMS = tuple(form.value for form in Form)
_ABOUT: Field[ShownChannel] = Field(
    "about", Kind.STRINGS, lambda c: sorted(c.channel.about), write="about",
    values=tuple(topic.value for topic in Topic), doc="What it is told of; empty: everything.",
)  # fmt: skip
_REASON: Field[ShownChannel] = Field(
    "reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."
)
_COMMON: tuple[Field[ShownChannel], ...] = (
    Field("id", Kind.ID, lambda c: c.channel.id),
    Field("displayName", Kind.STRING, lambda c: c.channel.name, write="name", required=True, limit=64),
    Field("kind", Kind.ID, lambda c: c.channel.form.value, write="form", required=True, values=_FORMS),
    Field(
        "address", Kind.STRING, write="address", required=True, limit=LONGEST_URL,
        doc="https address of a webhook, or a URL of Apprise. Sealed; never shown again.",
    ),
    Field("host", Kind.STRING, lambda c: c.channel.host, doc="All of its address that is shown."),
    Field("createdDateTime", Kind.MOMENT, lambda c: c.channel.created),
    Field("lastSentDateTime", Kind.MOMENT, lambda c: c.channel.sent, doc="When a message last arrived."),
    Field("failures", Kind.INTEGER, lambda c: c.channel.failures, doc="Tries that failed since then."),
    Field("trouble", Kind.STRING, lambda c: c.channel.trouble or None, doc="Why the last one failed."),
    Field("secret", Kind.STRING, lambda c: c.secret or None, doc="Of a webhook; shown once, when it is made."),
)  # fmt: skip
CHANNEL: Shape[ShownChannel] = Shape("ostiary/noticeChannels", "ostiary.noticeChannel", (*_COMMON, _ABOUT, _REASON))
OWN_CHANNEL: Shape[ShownChannel] = replace(CHANNEL, name="ostiary/ownNoticeChannels", fields=_COMMON)
