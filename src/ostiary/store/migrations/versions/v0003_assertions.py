"""
Client assertions that were used (RFC 7523 §3): kept until they count no more by themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLE = "assertions"


def upgrade() -> None:
    """The table and its index."""
    op.create_table(
        TABLE,
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key"),
    )
    op.create_index("assertions_ends", TABLE, ["ends"])
