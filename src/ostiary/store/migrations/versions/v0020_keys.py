"""
The key that a sign-in, a session or an authorization code is bound to: the thumbprint of RFC 7638, or none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"

_BOUND = ("signins", "sessions", "authorizations")


def upgrade() -> None:
    """One column each; what was begun before is bound to nothing."""
    known = sa.inspect(op.get_bind())
    for table in _BOUND:
        if "jkt" not in {column["name"] for column in known.get_columns(table)}:
            op.add_column(table, sa.Column("jkt", sa.Text(), nullable=True))
