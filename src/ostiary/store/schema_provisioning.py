"""
Tables of provisioning: who may provision, with which tokens, and which accounts and groups are theirs. Part of
`schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text

__all__ = ["provisioning_tables"]


def provisioning_tables(metadata: MetaData) -> tuple[Table, Table, Table, Table]:
    """Provisioners, their tokens, their accounts and their groups, in *metadata*."""
    provisioners = Table(
        "provisioners",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("networks", Text, nullable=False, server_default="[]"),  # JSON: CIDR
        Column("created", BigInteger, nullable=False),
        Column("used", BigInteger, nullable=True),
    )
    tokens = Table(
        "provisioner_tokens",
        metadata,
        Column("digest", LargeBinary, primary_key=True),  # SHA-256 (R17)
        Column("provisioner", Text, ForeignKey("provisioners.id", ondelete="CASCADE"), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Index("provisioner_tokens_provisioner", "provisioner", "ends"),
    )
    users = Table(
        "provisioned_users",
        metadata,
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        Column("provisioner", Text, ForeignKey("provisioners.id", ondelete="CASCADE"), nullable=False),
        Column("external", Text, nullable=True),
        Column("created", BigInteger, nullable=False),
        Column("modified", BigInteger, nullable=False),
        Column("off", BigInteger, nullable=False, server_default="-1"),  # `Kept.off`
        Column("gone", BigInteger, nullable=True),  # deleted there: disabled here, and kept for who asks later
        Index("provisioned_users_external", "provisioner", "external"),
        Index("provisioned_users_listed", "provisioner", "gone", "user"),
    )
    groups = Table(
        "provisioned_groups",
        metadata,
        Column("group", Text, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
        Column("provisioner", Text, ForeignKey("provisioners.id", ondelete="CASCADE"), nullable=False),
        Column("external", Text, nullable=True),
        Column("created", BigInteger, nullable=False),
        Column("modified", BigInteger, nullable=False),
        Index("provisioned_groups_external", "provisioner", "external"),
        Index("provisioned_groups_listed", "provisioner", "group"),
    )
    return provisioners, tokens, users, groups
