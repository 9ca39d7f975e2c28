"""
Refreshes are found by time, each as it stands in the journal.
"""

import sqlalchemy as sa
from alembic import op

revision = "0231"
down_revision = "0230"


def upgrade() -> None:
    """One index, of their entries alone."""
    where = sa.text("kind IN ('token:session:refreshed', 'token:session:refresh_refused')")
    op.create_index("journal_refreshes", "journal", ["at", "position"], sqlite_where=where, postgresql_where=where)
