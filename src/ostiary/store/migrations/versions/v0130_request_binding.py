"""
What a request is bound to and its person typed at the page (RFC 10027 M17).
"""

import sqlalchemy as sa
from alembic import op

revision = "0130"
down_revision = "0101"


def upgrade() -> None:
    """Nobody typed anything for what was claimed before: where it is demanded, it is typed still."""
    op.add_column("signins", sa.Column("matched", sa.Text(), nullable=False, server_default=""))
