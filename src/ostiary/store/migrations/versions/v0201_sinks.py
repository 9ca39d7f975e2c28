"""
Sinks of the journal: where every entry is sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0201"
down_revision = "0200"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "log_sinks",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "form", "body", "host")),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in ("failures", "rests")),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=""),
    )
