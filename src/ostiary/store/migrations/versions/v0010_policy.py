"""
Policy: named locations, what policies said before, and the person's side that sessions and codes remember.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"


def upgrade() -> None:
    """Two tables, two columns. Policies that were never changed since need no version: they are as they are."""
    op.create_table(
        "policy_versions",
        sa.Column("policy", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("document", sa.Text, nullable=True),
    )
    op.create_table(
        "named_locations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.BigInteger, nullable=False),
    )
    for table in ("sessions", "authorizations"):
        op.add_column(table, sa.Column("approved_from", sa.Text, nullable=False, server_default=""))
