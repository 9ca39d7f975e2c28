"""
Indexes for what anybody can make the service look up: administrators, and links that are open.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ADMINISTRATES = """roles LIKE '%"administrator"%'"""


def upgrade() -> None:
    """Three of them."""
    where = sa.text(ADMINISTRATES)
    op.create_index("users_administrators", "users", ["enabled"], sqlite_where=where, postgresql_where=where)
    op.create_index("invitations_purpose", "invitations", ["purpose", "user"])
    op.create_index("invitations_ends", "invitations", ["ends"])
