"""
Access reviews of who is eligible.
"""

import sqlalchemy as sa
from alembic import op

revision = "0141"
down_revision = "0140"


def upgrade() -> None:
    """Two tables; nothing that was there changes."""
    op.create_table(
        "access_reviews",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.id"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.BigInteger(), nullable=True),
    )
    op.create_index("access_reviews_created", "access_reviews", ["created", "id"])
    op.create_table(
        "access_review_items",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("review", sa.Text(), sa.ForeignKey("access_reviews.id"), nullable=False),
        sa.Column("eligibility", sa.Text(), sa.ForeignKey("eligibilities.id"), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("access_review_items_review", "access_review_items", ["review", "id"])
