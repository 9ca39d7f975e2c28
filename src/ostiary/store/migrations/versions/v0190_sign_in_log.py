"""
What sign-ins are found by besides: what conditional access came to, and the resource.
"""

import sqlalchemy as sa
from alembic import op

revision = "0190"
down_revision = "0170"


def upgrade() -> None:
    """
    Two columns with their indexes; what most sign-ins lack is in its index where it is there. A story that waits since
    ever is told anew by the reader, with both of them.
    """
    op.add_column("stories", sa.Column("access", sa.Text(), nullable=False, server_default="notApplied"))
    op.add_column("stories", sa.Column("resource", sa.Text(), nullable=True))
    op.create_index("stories_access", "stories", ["access", "started", "id"])
    for name in ("approver", "exemption"):
        op.drop_index(f"stories_{name}", "stories")
    for name in ("approver", "exemption", "resource"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"stories_{name}", "stories", [name, "started", "id"], sqlite_where=there, postgresql_where=there
        )
    op.execute("UPDATE stories SET waits = 0")
