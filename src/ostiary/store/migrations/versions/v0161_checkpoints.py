"""
The journal's Merkle tree, its checkpoints and the keys that sign them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0161"
down_revision = "0156"


def upgrade() -> None:
    """Three tables; what the journal holds already is sealed by the first runs of the job."""
    op.create_table(
        "log_leaves",
        sa.Column("place", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("stream", "number"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
    )
    op.create_index("checkpoints_at", "checkpoints", ["at", "size"])
    op.create_table(
        "log_keys",
        sa.Column("generation", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("master", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hand_over", sa.Text(), nullable=False),
    )
