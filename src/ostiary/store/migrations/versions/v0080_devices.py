"""
The device inventory, and which device a sign-in and a session are on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0070"


def upgrade() -> None:
    """Three tables; what began before is on no device."""
    op.create_table(
        "devices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, sa.ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
        *(sa.Column(name, sa.Text, nullable=True) for name in ("jkt", "certificate")),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in ("managed", "compliant")),
        sa.Column("compliance_ends", sa.BigInteger, nullable=True),
        sa.Column("properties", sa.Text, nullable=False, server_default="{}"),
        sa.Column("registered", sa.BigInteger, nullable=False),
        sa.Column("asked_from", sa.Text, nullable=False, server_default=""),
        sa.Column("admitted", sa.BigInteger, nullable=True),
        sa.Column("admitted_by", sa.Text, nullable=False, server_default=""),
        *(sa.Column(name, sa.BigInteger, nullable=True) for name in ("expires", "seen", "revoked")),
        sa.Column("revoked_by", sa.Text, nullable=False, server_default=""),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("jkt"),
        sa.UniqueConstraint("certificate"),
    )
    op.create_index("devices_name", "devices", ["name", "id"])
    op.create_index("devices_owner", "devices", ["owner", "registered"])
    op.create_index("devices_pending", "devices", ["admitted", "registered"])
    op.create_table(
        "device_settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("modified", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "device_hooks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=True),
    )
    op.add_column("signins", sa.Column("device", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("device", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("device_revision", sa.BigInteger(), nullable=True))
