"""
Which machine of the inventory a passkey stands for, and which passkey proved a session (R22).
"""

import sqlalchemy as sa
from alembic import op

revision = "0150"
down_revision = "0141"


def upgrade() -> None:
    """No passkey of before stands for a machine, and no session of before was proved with one that does."""
    op.add_column("passkeys", sa.Column("device", sa.Text(), nullable=True))
    op.add_column("passkeys", sa.Column("certificate", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("passkey", sa.Text(), nullable=True))
    op.add_column("signins", sa.Column("approver_passkey", sa.Text(), nullable=True))
