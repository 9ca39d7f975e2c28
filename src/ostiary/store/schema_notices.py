"""
Tables of notices: where they go, what waits to be sent, and which moments were told. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["notice_tables"]


def notice_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Channels, messages that wait, and told moments, in *metadata*."""
    channels = Table(
        "notice_channels",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),  # null: the organisation's
        Column("name", Text, nullable=False),
        Column("form", Text, nullable=False),  # webhook | apprise
        Column("about", Text, nullable=False, server_default="[]"),  # JSON: topics; none: everything
        Column("host", Text, nullable=False),  # all of its address that is ever shown
        Column("sealed", LargeBinary, nullable=False),  # JSON: address, and the secret of a webhook (R17)
        Column("created", BigInteger, nullable=False),
        Column("sent", BigInteger, nullable=True),
        Column("failures", BigInteger, nullable=False, server_default="0"),  # in a row
        Column("rests", BigInteger, nullable=False, server_default="0"),  # nothing is tried before
        Column("trouble", Text, nullable=False, server_default=""),
        Column("alerted", BigInteger, nullable=False, server_default="0"),  # bits: core/notices/channel.py
        Index("notice_channels_user", "user", "created"),
    )
    notices = Table(
        "notices",
        metadata,
        Column("id", Text, primary_key=True),  # of the message, the same at each try
        Column("channel", Text, ForeignKey("notice_channels.id", ondelete="CASCADE"), nullable=False),
        Column("cause", Text, nullable=False),  # the journal entry: one message of it for each channel
        Column("name", Text, nullable=False),  # core/notices/kinds.py
        Column("exemption", Text, nullable=False, server_default=""),  # what it speaks of
        Column("ends", BigInteger, nullable=False, server_default="0"),  # of that, as it was told
        Column("body", Text, nullable=False),  # JSON, core/notices/message.py
        Column("place", BigInteger, nullable=False),  # of that entry: messages go in its order
        Column("created", BigInteger, nullable=False),
        Column("tries", BigInteger, nullable=False, server_default="0"),
        Column("due", BigInteger, nullable=False),
        UniqueConstraint("channel", "cause"),
        Index("notices_due", "due", "channel"),
    )
    moments = Table(
        "notice_moments",
        metadata,
        Column("key", Text, primary_key=True),  # core/notices/moments.py
        Column("at", BigInteger, nullable=False),
        Index("notice_moments_at", "at"),
    )
    return channels, notices, moments
