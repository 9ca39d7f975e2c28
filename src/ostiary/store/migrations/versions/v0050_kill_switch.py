"""
The kill switch: a row once somebody turned it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0020"


def upgrade() -> None:
    """Nobody turned it yet."""
    op.create_table(
        "kill_switch",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("engaged", sa.BigInteger(), nullable=False),
        sa.Column("killed", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
