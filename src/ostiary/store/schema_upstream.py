"""
Tables of people who come in on the word of an upstream provider. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["upstream_tables"]


def upstream_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Links, grants and mapped memberships, in *metadata*."""
    links = Table(
        "upstream_links",
        metadata,
        Column("issuer", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        Column("created", BigInteger, nullable=False),
        UniqueConstraint("user"),  # nobody is two people elsewhere, so one provider's word counts for each
    )
    grants = Table(
        "upstream_grants",
        metadata,
        Column("id", Text, primary_key=True),  # the browser session that it began
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        Column("provider", Text, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("sid", Text, nullable=False),  # the provider's session, which it may end
        Column("sealed", LargeBinary, nullable=False),  # refresh token; empty where nobody asks again
        Column("confirmed", BigInteger, nullable=False),
        Column("due", BigInteger, nullable=False),
        Index("upstream_grants_user", "user"),
        Index("upstream_grants_due", "due"),
        Index("upstream_grants_subject", "issuer", "subject"),
    )
    memberships = Table(
        "upstream_members",
        metadata,
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        Column("group", Text, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    )
    return links, grants, memberships
