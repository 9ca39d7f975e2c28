"""
A stamp on each erasure, which nobody makes who can only write the database.
"""

import sqlalchemy as sa
from alembic import op

revision = "0254"
down_revision = "0247"


def upgrade() -> None:
    """A column; what was asked for before has none, and is not gone on with."""
    op.add_column("erasures", sa.Column("stamp", sa.Text(), nullable=False, server_default=""))
