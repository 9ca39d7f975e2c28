"""
Detections: what rules remember, what they found, and how much of it was not kept.
"""

import sqlalchemy as sa
from alembic import op

revision = "0195"
down_revision = "0190"


def upgrade() -> None:
    """Three tables."""
    op.create_table(
        "detection_tracks",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )
    op.create_index("detection_tracks_expires", "detection_tracks", ["expires"])
    op.create_table(
        "findings",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("rule", "severity")),
        sa.Column("state", sa.Text(), nullable=False, server_default="open"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("at", "detected", "changed")),
        sa.Column("seen", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False, server_default=""),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("user", "client", "session", "exemption", "source", "country")
        ),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, server_default="{}"),
    )
    op.create_index("findings_at", "findings", ["at", "id"])
    for name in ("rule", "severity", "state", "user", "client", "source", "story", "session"):
        op.create_index(f"findings_{name}", "findings", [name, "at", "id"])
    op.create_table(
        "findings_held_back",
        sa.Column("rule", sa.Text(), primary_key=True),
        sa.Column("hour", sa.BigInteger(), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )
