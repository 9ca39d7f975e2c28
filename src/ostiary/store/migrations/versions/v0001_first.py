"""
The first schema.
"""

from alembic import op

from ostiary.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Every table of the first release."""
    metadata.create_all(op.get_bind())
