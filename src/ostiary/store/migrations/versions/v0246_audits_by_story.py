"""
Directory audits are found by their correlation id, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0246"
down_revision = "0240"


def upgrade() -> None:
    """One index, of what is no sign-in."""
    where = sa.text("substr(kind, 1, 5) IN ('admin', 'syste', 'user:')")
    op.create_index("audits_story", "journal", ["story", "at", "position"], sqlite_where=where, postgresql_where=where)
