"""
How those who decided a request had proved who they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0196"
down_revision = "0195"


def upgrade() -> None:
    """Of earlier decisions it is not known here; the journal has what there was."""
    op.add_column("exemption_decisions", sa.Column("methods", sa.Text(), nullable=False, server_default=""))
