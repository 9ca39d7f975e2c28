"""
The sign-ins that a finding is about: all of them, not the first alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0247"
down_revision = "0246"


def upgrade() -> None:
    """A table, with what is known; the index that it takes the place of goes."""
    op.create_table(
        "finding_stories",
        sa.Column("finding", sa.Text(), primary_key=True),
        sa.Column("story", sa.Text(), primary_key=True),
    )
    op.create_index("finding_stories_story", "finding_stories", ["story", "finding"])
    op.execute("INSERT INTO finding_stories (finding, story) SELECT id, story FROM findings WHERE story <> ''")
    op.drop_index("findings_story_risk", table_name="findings")
