"""
The machine of the inventory that the approving browser ran on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"


def upgrade() -> None:
    """Who approved before did so on no known machine."""
    op.add_column("signins", sa.Column("approver_device", sa.Text(), nullable=True))
