"""
Sign-ins and sessions that are bound to a TLS client's certificate (RFC 8705 §3).
"""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0086"


def upgrade() -> None:
    """What was begun before is bound as it was."""
    for table in ("signins", "sessions"):
        op.add_column(table, sa.Column("x5t", sa.Text(), nullable=True))
