"""
The table of drills. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text

__all__ = ["drill_table"]


def drill_table(metadata: MetaData) -> Table:
    """Drills, in *metadata*. There is no device code: nothing of a drill can be redeemed."""
    return Table(
        "drills",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        Column("user_code", LargeBinary, nullable=False),  # HMAC-SHA-256, as a sign-in's (R10)
        Column("client", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("address", Text, nullable=False),  # that its machine is said to have
        Column("declared", Text, nullable=False),  # JSON, as in signins
        Column("why", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Column("typed", BigInteger, nullable=True),
        Column("browser", Text, nullable=True),  # the session that typed the code last
        Column("decided", BigInteger, nullable=True),
        Column("decision", Text, nullable=True),  # denied | reported | approved
        Index("drills_user_code", "user_code", unique=True),
        Index("drills_user", "user", "created"),
        Index("drills_created", "created", "id"),
        Index("drills_ends", "ends"),
    )
