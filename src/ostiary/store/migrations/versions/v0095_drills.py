"""
Drills: marked tests of whether people refuse a code that they did not ask for (M13).
"""

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0091"


def upgrade() -> None:
    """A table of their own: no drill is a sign-in."""
    op.create_table(
        "drills",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_code", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("client", "resource", "scopes", "address")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("declared", "why", "by")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created", "ends")),
        sa.Column("typed", sa.BigInteger(), nullable=True),
        sa.Column("browser", sa.Text(), nullable=True),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
    )
    op.create_index("drills_user_code", "drills", ["user_code"], unique=True)
    op.create_index("drills_user", "drills", ["user", "created"])
    op.create_index("drills_created", "drills", ["created", "id"])
    op.create_index("drills_ends", "drills", ["ends"])
