"""
What the approval page showed for later refreshes: a session reaches no more than that (R7).
"""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0060"


def upgrade() -> None:
    """What was claimed before reaches nothing more: its person asks once more."""
    op.add_column("signins", sa.Column("reach", sa.Text(), nullable=False, server_default="{}"))
