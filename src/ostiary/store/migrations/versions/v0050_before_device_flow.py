"""
The kill switch, a row once somebody turned it; and device flows that were on before risk assessments were asked for
(R23): they get a record whose review is due from the first start on, which warns for thirty days before it closes
them. Our own command is verified.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0040"

OSTIARY_CLI = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"
CARRIED = {
    "version": 0,
    "resources": [],
    "code_flow": "",
    "workload_identity": "",
    "hybrid_passkey": "",
    "mitigations": [],
    "owner": "",
    "owner_name": "",
    "by": "system:upgrade",
    "review": 0,  # dated by the first start, which knows the time; until then nothing begins
    "assessed": 0,
    "carried": True,
}


def upgrade() -> None:
    """Nobody turned the switch yet, and nobody assessed anything."""
    op.create_table(
        "kill_switch",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("engaged", sa.BigInteger(), nullable=False),
        sa.Column("killed", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
    _carry(op.get_bind())


def _carry(db: sa.Connection) -> None:
    table = sa.table("applications", sa.column("id", sa.Text()), sa.column("registration", sa.Text()))
    for id, text in db.execute(sa.select(table.c.id, table.c.registration)).all():
        registration = json.loads(text)
        more: dict[str, object] = {"verified": True} if id == OSTIARY_CLI else {}
        if registration.get("device_flow"):
            more["assessment"] = CARRIED
        if not more:
            continue
        registration |= more
        db.execute(table.update().where(table.c.id == id).values(registration=json.dumps(registration)))
