"""
Codes that change accounts: the digest of what the browser holds that gave a code back (R11).
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """No code is given back yet."""
    op.add_column("signins", sa.Column("handed", sa.LargeBinary(), nullable=True))
