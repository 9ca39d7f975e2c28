"""
Notices: channels, messages that wait, told moments.
"""

import sqlalchemy as sa
from alembic import op

revision = "0156"
down_revision = "0155"


def upgrade() -> None:
    """Three tables, and an index of the people who have a role."""
    op.create_table(
        "notice_channels",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("rests", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=""),
        sa.Column("alerted", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_index("notice_channels_user", "notice_channels", ["user", "created"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("channel", sa.Text(), sa.ForeignKey("notice_channels.id", ondelete="CASCADE"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("exemption", sa.Text(), nullable=False, server_default=""),
        sa.Column("ends", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("channel", "cause"),
    )
    op.create_index("notices_due", "notices", ["due", "channel"])
    op.create_table(
        "notice_moments",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("notice_moments_at", "notice_moments", ["at"])
    some = sa.text("roles <> '[]'")
    op.create_index("users_roles", "users", ["id"], sqlite_where=some, postgresql_where=some)
