"""
Workloads: which trust of its application gave a session (RFC 8693).
"""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0080"


def upgrade() -> None:
    """No session before had one."""
    op.add_column("sessions", sa.Column("trust", sa.Text(), nullable=True))
