"""
What a requester says of itself when it asks for a code, and the number of a consent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0050"


def upgrade() -> None:
    """What was asked before said nothing and was asked no number."""
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("signins")}
    if "declared" not in known:
        op.add_column("signins", sa.Column("declared", sa.Text(), nullable=False, server_default=""))
    if "number" not in known:
        op.add_column("signins", sa.Column("number", sa.LargeBinary(), nullable=True))
