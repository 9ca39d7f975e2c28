"""
Erasures of people's data: whose, why, and how far.
"""

import sqlalchemy as sa
from alembic import op

revision = "0200"
down_revision = "0196"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "erasures",
        sa.Column("user", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("by", "reason")),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("position", "until", "gone")),
        sa.Column("done", sa.BigInteger(), nullable=True),
    )
