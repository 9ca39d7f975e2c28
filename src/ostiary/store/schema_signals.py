"""
Tables of shared signals. Part of `schema`, which was full.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = ["ON_DEVICES", "signal_tables"]

ON_DEVICES = text("device IS NOT NULL")

# SQLite gives only INTEGER PRIMARY KEY a rowid alias.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def signal_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Streams, the subjects that they leave out, and the events that wait on them."""
    streams = Table(
        "signal_streams",
        metadata,
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
        Column("audience", Text, nullable=False),
        Column("method", Text, nullable=False),  # push | poll
        Column("host", Text, nullable=False, server_default=""),
        Column("sealed", LargeBinary, nullable=False),  # where to push to, and what authorises that; empty: polled
        Column("requested", Text, nullable=True),  # JSON array of event types; none: whatever there is
        Column("description", Text, nullable=False, server_default=""),
        Column("created", BigInteger, nullable=False),
        Column("status", Text, nullable=False),  # enabled | paused | disabled
        Column("why", Text, nullable=False, server_default=""),
        Column("revision", BigInteger, nullable=False, server_default="0"),
        Column("verified", BigInteger, nullable=True),
        Column("failures", BigInteger, nullable=False, server_default="0"),
        Column("retry", BigInteger, nullable=True),
        Column("dropped", BigInteger, nullable=False, server_default="0"),
        Index("signal_streams_application", "application", "created"),
    )
    subjects = Table(
        "signal_subjects",
        metadata,
        Column("stream", Text, ForeignKey("signal_streams.id", ondelete="CASCADE"), primary_key=True),
        Column("subject", Text, primary_key=True),  # JSON, core/signals/subjects.py
    )
    outbox = Table(
        "signal_outbox",
        metadata,
        Column("number", _Serial, primary_key=True, autoincrement=True),
        Column("stream", Text, ForeignKey("signal_streams.id", ondelete="CASCADE"), nullable=False),
        Column("jti", Text, nullable=False),
        Column("claims", Text, nullable=False),  # JSON: the payload, signed when it is sent
        Column("created", BigInteger, nullable=False),
        Column("about_stream", BigInteger, nullable=False, server_default="0"),  # goes out while it is paused, too
        Column("tries", BigInteger, nullable=False, server_default="0"),
        UniqueConstraint("jti"),
        Index("signal_outbox_stream", "stream", "number"),
        Index("signal_outbox_created", "created"),
    )
    return streams, subjects, outbox
