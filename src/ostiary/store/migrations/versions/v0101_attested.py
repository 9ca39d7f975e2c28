"""
Whether a passkey was attested by an allowed model when it was made (R22).
"""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"


def upgrade() -> None:
    """Nobody was asked so far."""
    op.add_column("passkeys", sa.Column("attested", sa.BigInteger(), nullable=False, server_default="0"))
