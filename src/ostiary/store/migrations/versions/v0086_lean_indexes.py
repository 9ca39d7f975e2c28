"""
What a claim looks at stands in its index; entries about sessions and applications are in none by their target.
"""

import sqlalchemy as sa
from alembic import op

revision = "0086"
down_revision = "0084"

ABOUT_PEOPLE = "substr(target, 1, 5) = 'user:'"


def upgrade() -> None:
    """Two indexes, made anew."""
    where = sa.text(ABOUT_PEOPLE)
    op.drop_index("journal_target", "journal")
    op.create_index("journal_people", "journal", ["target", "position"], sqlite_where=where, postgresql_where=where)
    op.drop_index("signins_user", "signins")
    op.create_index("signins_user", "signins", ["user", "created", "redeemed", "client", "requester_address"])
