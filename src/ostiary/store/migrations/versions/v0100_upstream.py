"""
Sign-in through an upstream provider: links, grants, mapped memberships, and until when its word counts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = "0095"


def upgrade() -> None:
    """Nobody came in on somebody else's word so far."""
    op.add_column("users", sa.Column("vouched", sa.BigInteger(), nullable=True))
    op.create_table(
        "upstream_links",
        sa.Column("issuer", sa.Text(), primary_key=True),
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("user"),
    )
    op.create_table(
        "upstream_grants",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
    )
    op.create_index("upstream_grants_user", "upstream_grants", ["user"])
    op.create_index("upstream_grants_due", "upstream_grants", ["due"])
    op.create_index("upstream_grants_subject", "upstream_grants", ["issuer", "subject"])
    op.create_table(
        "upstream_members",
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    )
