"""
An index that holds all that is asked before a response: about how many people such a finding was made within a day.
"""

from alembic import op

revision = "0255"
down_revision = "0254"


def upgrade() -> None:
    """One more index of findings."""
    op.create_index("findings_people", "findings", ["severity", "at", "cause", "state", "user", "client"])
