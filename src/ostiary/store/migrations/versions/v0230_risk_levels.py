"""
What a finding counts for, and whether it was answered. Those of before are answered: nothing is done about the past.
"""

import sqlalchemy as sa
from alembic import op

revision = "0230"
down_revision = "0201"


def upgrade() -> None:
    """Columns of `findings` and their indexes."""
    op.add_column("findings", sa.Column("cause", sa.Text(), nullable=False, server_default="anybody"))
    for name in ("sign_in_risk", "person_risk"):
        op.add_column("findings", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("findings", sa.Column("answered", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE findings SET answered = detected, sign_in_risk = CASE WHEN state = 'dismissed' THEN 0 "
        "WHEN severity = 'high' THEN 3 WHEN severity = 'medium' THEN 2 ELSE 1 END"
    )
    op.create_index("findings_story_risk", "findings", ["story", "sign_in_risk"])
    op.create_index("findings_person_risk", "findings", ["user", "person_risk", "at"])
    op.create_index("findings_answered", "findings", ["answered", "detected"])
