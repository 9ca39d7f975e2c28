"""
Exemptions that are asked for: eligibility, rules, requests and their decisions. What was opened before becomes a
request of its administrator, and one that gave a sign-in something counts as used.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0140"
down_revision = "0130"

ADMIN_API = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002"
OSTIARY_CLI = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"
SCOPES = (
    ("RoleManagementPolicy.Read.AzureADGroup", "Read the rules of exemptions", False),
    ("RoleManagementPolicy.ReadWrite.AzureADGroup", "Change the rules of exemptions", True),
    ("PrivilegedEligibilitySchedule.Read.AzureADGroup", "Read who is eligible for exemptions", False),
    ("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "Change who is eligible for exemptions", True),
    ("AccessReview.Read.All", "Read access reviews", False),
    ("AccessReview.ReadWrite.All", "Decide access reviews", True),
)


def _columns(*columns: tuple[str, type[sa.Text | sa.BigInteger], bool, str | None]) -> list[sa.Column[object]]:
    return [sa.Column(name, kind(), nullable=null, server_default=default) for name, kind, null, default in columns]


def upgrade() -> None:
    """New tables, four columns, and the record of how each exemption came to be."""
    text, number = sa.Text, sa.BigInteger
    for column in _columns(
        ("waits", number, True, None), ("hours", text, True, None), ("latest", number, True, None),
        ("used", number, False, "0"),
    ):  # fmt: skip
        op.add_column("exemptions", column)
    op.execute("UPDATE exemptions SET used = 1 WHERE id IN (SELECT exemption FROM sessions)")
    op.create_table(
        "eligibilities",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.id"), nullable=False),
        *_columns(
            ("reason", text, False, None), ("starts", number, False, None), ("ends", number, True, None),
            ("created", number, False, None), ("created_by", text, False, None), ("ended", number, True, None),
            ("loss", text, True, None), ("ended_by", text, True, None),
        ),
    )  # fmt: skip
    op.create_index("eligibilities_user", "eligibilities", ["user", "created"])
    op.create_index("eligibilities_created", "eligibilities", ["created", "id"])
    op.create_table(
        "exemption_rules",
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
        *_columns(
            ("documents", text, False, None), ("modified", number, False, None), ("modified_by", text, False, None)
        ),
    )
    _requests()
    _scopes(op.get_bind())


def _requests() -> None:
    text, number = sa.Text, sa.BigInteger
    op.create_table(
        "exemption_requests",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.id"), nullable=False),
        *_columns(
            ("by", text, False, None), ("reason", text, False, None), ("length", number, False, None),
            ("created", number, False, None), ("ends", number, False, None), ("limits", text, False, None),
            ("ticket", text, True, None), ("starts", number, True, None), ("break_glass", number, False, "0"),
            ("target", text, True, None), ("auto", text, False, ""), ("address", text, False, ""),
            ("phase", text, False, None), ("decided", number, True, None), ("decided_by", text, False, ""),
            ("number", number, False, "0"), ("review", text, False, ""), ("reviewed", number, True, None),
            ("reviewed_by", text, False, ""),
        ),
    )  # fmt: skip
    op.create_index("exemption_requests_created", "exemption_requests", ["created", "id"])
    op.create_index("exemption_requests_user", "exemption_requests", ["user", "created", "id"])
    open_, owed = sa.text("phase = 'open'"), sa.text("break_glass = 1 AND review = ''")
    op.create_index(
        "exemption_requests_open", "exemption_requests", ["ends"], sqlite_where=open_, postgresql_where=open_
    )
    op.create_index(
        "exemption_requests_review", "exemption_requests", ["created", "id"], sqlite_where=owed, postgresql_where=owed
    )
    op.create_table(
        "exemption_decisions",
        sa.Column("request", sa.Text(), sa.ForeignKey("exemption_requests.id"), primary_key=True),
        sa.Column("by", sa.Text(), primary_key=True),
        *_columns(
            ("name", text, False, None), ("stage", number, False, None), ("approved", number, False, None),
            ("reason", text, False, None), ("at", number, False, None), ("length", number, True, None),
        ),
    )  # fmt: skip
    op.execute(
        'INSERT INTO exemption_requests (id, act, "user", "group", "by", reason, length, created, ends, limits, starts,'
        " break_glass, phase, decided, decided_by)"
        ' SELECT id, \'adminAssign\', "user", "group", opened_by, reason, ends - starts, opened, opened, limits,'
        " starts, break_glass, 'approved', opened, opened_by FROM exemptions"
    )


def _scopes(db: sa.Connection) -> None:
    """The admin API's new scopes, and the consent of our own command to them."""
    applications = sa.table("applications", sa.column("id", sa.Text()), sa.column("registration", sa.Text()))
    found = db.execute(sa.select(applications.c.registration).where(applications.c.id == ADMIN_API)).scalar()
    if found is None:
        return
    registration = json.loads(found)
    known = {scope["value"] for scope in registration.get("scopes", ()) if isinstance(scope, dict)}
    new = [{"value": v, "description": t, "administrative": a} for v, t, a in SCOPES if v not in known]
    registration["scopes"] = [*registration.get("scopes", ()), *new]
    db.execute(
        applications.update().where(applications.c.id == ADMIN_API).values(registration=json.dumps(registration))
    )
    consents = sa.table("consents", *(sa.column(name, sa.Text()) for name in ("client", "resource", "scopes")))
    mine = (consents.c.client == OSTIARY_CLI) & (consents.c.resource == ADMIN_API)
    given = db.execute(sa.select(consents.c.scopes).where(mine)).scalar()
    if given is not None:
        more = [scope for scope, _, _ in SCOPES if scope not in given.split()]
        db.execute(consents.update().where(mine).values(scopes=" ".join([*given.split(), *more])))
