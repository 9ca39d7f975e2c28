"""
The first schema: every table as the first release has it.

Later steps alter what is here; a database of any release is brought forward from the step it has.
"""

from alembic import op

from ostiary.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Every table of the first release."""
    metadata.create_all(op.get_bind())
