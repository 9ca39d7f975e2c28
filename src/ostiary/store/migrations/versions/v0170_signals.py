"""
Shared signals: streams of resource servers, what waits on them, and which sessions they were told of.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0170"
down_revision = "0161"

ADMIN_API = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002"
SCOPES = (
    ("ssf.manage", "Manage the event streams of the application and take their events"),
    ("ssf.read", "Read the event streams of the application"),
)


def upgrade() -> None:
    """Three tables, a column and an index of sessions, and the scopes of stream management."""
    op.create_table(
        "signal_streams",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("application", sa.Text(), sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("audience", "method")),
        sa.Column("host", sa.Text(), nullable=False, server_default=""),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("requested", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, server_default=""),
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("verified", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("retry", sa.BigInteger(), nullable=True),
        sa.Column("dropped", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_index("signal_streams_application", "signal_streams", ["application", "created"])
    op.create_table(
        "signal_subjects",
        sa.Column("stream", sa.Text(), sa.ForeignKey("signal_streams.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject", sa.Text(), primary_key=True),
    )
    _outbox()
    op.add_column("sessions", sa.Column("signalled", sa.BigInteger(), nullable=True))
    there = sa.text("device IS NOT NULL")
    op.create_index("sessions_device", "sessions", ["device"], sqlite_where=there, postgresql_where=there)
    op.create_index("devices_expires", "devices", ["expires"])
    _scopes(op.get_bind())


def _outbox() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "signal_outbox",
        sa.Column("number", serial, primary_key=True, autoincrement=True),
        sa.Column("stream", sa.Text(), sa.ForeignKey("signal_streams.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("jti", "claims")),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("about_stream", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"),
        sa.UniqueConstraint("jti"),
    )
    op.create_index("signal_outbox_stream", "signal_outbox", ["stream", "number"])
    op.create_index("signal_outbox_created", "signal_outbox", ["created"])


def _scopes(db: sa.Connection) -> None:
    """For confidential applications alone: our own command gets no consent to them."""
    applications = sa.table("applications", sa.column("id", sa.Text()), sa.column("registration", sa.Text()))
    found = db.execute(sa.select(applications.c.registration).where(applications.c.id == ADMIN_API)).scalar()
    if found is None:
        return
    registration = json.loads(found)
    known = {scope["value"] for scope in registration.get("scopes", ()) if isinstance(scope, dict)}
    new = [{"value": v, "description": t, "administrative": True} for v, t in SCOPES if v not in known]
    registration["scopes"] = [*registration.get("scopes", ()), *new]
    db.execute(
        applications.update().where(applications.c.id == ADMIN_API).values(registration=json.dumps(registration))
    )
