"""
What was done about findings, and the policy for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0232"
down_revision = "0231"


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "finding_responses",
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
    )
    op.create_index("finding_responses_response", "finding_responses", ["response", "at"])
    op.create_index("finding_responses_finding", "finding_responses", ["finding"])
    op.create_table(
        "response_policy",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
    )
