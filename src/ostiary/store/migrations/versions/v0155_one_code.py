"""
A device sign-in waits for the exemption that its person asks for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0155"
down_revision = "0150"


def upgrade() -> None:
    """Two columns, empty for what was there."""
    op.add_column("signins", sa.Column("asked", sa.BigInteger(), nullable=True))
    op.add_column("exemption_requests", sa.Column("sign_in", sa.Text(), nullable=True))
