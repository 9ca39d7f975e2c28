"""
No index of the journal by story: nothing asks for one, and each deed paid for it.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """It goes; the story of a sign-in has rows of its own."""
    op.drop_index("journal_story", table_name="journal")
