"""
The first schema, as it was: a snapshot that never changes again.

What `ostiary.store.schema` says today comes from this and every later step; a change there is a new step here, and
`tests/store/test_migrations.py` fails until it is.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

AUDITED = "substr(kind, 1, 5) IN ('admin', 'syste', 'user:')"


def upgrade() -> None:
    """Every table of the first release."""
    _house()
    _journal()
    _people()
    _groups()
    _applications()
    _access()
    _signins()
    _sessions()


def _text(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null, server_default=default)


def _int(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null, server_default=default)


def _blob(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), primary_key=key, nullable=null)


def _ref(name: str, target: str, *, key: bool = False, cascade: bool = True) -> sa.Column[Any]:
    rule = sa.ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return sa.Column(name, sa.Text(), rule, primary_key=key, nullable=False)


def _serial() -> sa.types.TypeEngine[int]:
    """SQLite gives only INTEGER PRIMARY KEY a rowid alias."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _index(name: str, table: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _house() -> None:
    """The house itself."""
    op.create_table(
        "organisation",
        _text("tenant", key=True),
        _text("name"),
        _text("domains"),
        _int("sample", default="0"),
        _int("created"),
    )
    op.create_table(
        "versions",
        _text("name", key=True),
        _int("number"),
    )
    op.create_table(
        "leases",
        _text("job", key=True),
        _text("holder"),
        _int("until"),
    )
    op.create_table(
        "keys",
        _text("kid", key=True),
        _text("purpose"),
        _text("algorithm"),
        _blob("sealed"),
        _text("public"),
        _int("created"),
        _int("signs_from"),
        _int("signs_until", null=True),
        _int("shown_until", null=True),
    )


def _journal() -> None:
    """The journal and its readers."""
    op.create_table(
        "streams",
        _text("stream", key=True),
        _int("head"),
    )
    op.create_table(
        "journal",
        sa.Column("position", _serial(), primary_key=True, autoincrement=True),
        _text("stream"),
        _int("number"),
        _text("kind"),
        _int("at"),
        _text("story"),
        _text("actor"),
        _text("target"),
        _text("body"),
        _blob("leaf"),
        sa.UniqueConstraint("stream", "number"),
    )
    _index("audits_actor", "journal", ["actor", "at", "position"], where=AUDITED)
    _index("audits_at", "journal", ["at", "position"], where=AUDITED)
    _index("audits_kind", "journal", ["kind", "at", "position"], where=AUDITED)
    _index("audits_target", "journal", ["target", "at", "position"], where=AUDITED)
    _index("journal_story", "journal", ["story", "position"])
    _index("journal_target", "journal", ["target", "position"])
    op.create_table(
        "cursors",
        _text("reader", key=True),
        _int("position"),
    )
    op.create_table(
        "stories",
        _text("id", key=True),
        _int("started"),
        _int("changed"),
        _text("outcome"),
        _text("user", null=True),
        _text("client", null=True),
        _text("exemption", null=True),
        _text("requester", null=True),
        _text("approver", null=True),
        _text("protocol"),
        _text("story"),
        _int("error", default="0"),
        _int("waits", null=True),
    )
    _index("stories_approver", "stories", ["approver", "started", "id"])
    _index("stories_client", "stories", ["client", "started", "id"])
    _index("stories_error", "stories", ["error", "started", "id"])
    _index("stories_exemption", "stories", ["exemption", "started", "id"])
    _index("stories_outcome", "stories", ["outcome", "started", "id"])
    _index("stories_protocol", "stories", ["protocol", "started", "id"])
    _index("stories_requester", "stories", ["requester", "started", "id"])
    _index("stories_started", "stories", ["started", "id"])
    _index("stories_user", "stories", ["user", "started", "id"])
    _index("stories_waits", "stories", ["waits"], where="waits IS NOT NULL")


def _people() -> None:
    """People and what they prove themselves with."""
    op.create_table(
        "users",
        _text("id", key=True),
        _text("principal_name"),
        _text("display_name"),
        _text("mail", null=True),
        _int("enabled", default="1"),
        _text("roles", default="[]"),
        _int("created"),
        _int("epoch", default="0"),
        sa.UniqueConstraint("principal_name"),
    )
    op.create_table(
        "passwords",
        _ref("user", "users.id", key=True),
        _text("encoded"),
        _int("changed"),
    )
    op.create_table(
        "authenticators",
        _text("id", key=True),
        _ref("user", "users.id"),
        _text("kind"),
        _blob("sealed"),
        _int("last_step", default="0"),
        _int("confirmed", null=True),
        _int("created"),
    )
    _index("authenticators_user", "authenticators", ["user"])
    op.create_table(
        "invitations",
        _blob("digest", key=True),
        _text("purpose"),
        _text("user", null=True),
        _int("created"),
        _int("ends"),
        _int("tries", default="0"),
        _int("spent", null=True),
    )
    op.create_table(
        "throttles",
        _text("subject", key=True),
        _int("since"),
        _int("count"),
        _int("until", default="0"),
    )


def _groups() -> None:
    """Groups and their members."""
    op.create_table(
        "groups",
        _text("id", key=True),
        _text("display_name"),
        _text("description", default=""),
        _text("purpose", default=""),
        _int("created"),
        sa.UniqueConstraint("display_name"),
    )
    op.create_table(
        "members",
        _ref("group", "groups.id", key=True),
        _ref("user", "users.id", key=True),
        _int("since"),
    )
    _index("members_user", "members", ["user"])


def _applications() -> None:
    """Applications and who may use them."""
    op.create_table(
        "applications",
        _text("id", key=True),
        _text("object_id"),
        _text("display_name"),
        _int("enabled", default="1"),
        _text("registration"),
        _int("created"),
        sa.UniqueConstraint("object_id"),
    )
    op.create_table(
        "identifiers",
        _text("uri", key=True),
        _ref("application", "applications.id"),
    )
    op.create_table(
        "consents",
        _ref("client", "applications.id", key=True),
        _ref("resource", "applications.id", key=True),
        _text("scopes"),
        _int("created"),
    )
    op.create_table(
        "assignments",
        _text("id", key=True),
        _ref("application", "applications.id"),
        _text("principal"),
        _text("principal_kind"),
        _int("created"),
        sa.UniqueConstraint("application", "principal"),
    )


def _access() -> None:
    """Policies and exemptions."""
    op.create_table(
        "policies",
        _text("id", key=True),
        _text("document"),
        _int("created"),
        _int("modified"),
    )
    op.create_table(
        "exemptions",
        _text("id", key=True),
        _ref("user", "users.id", cascade=False),
        _ref("group", "groups.id", cascade=False),
        _text("reason"),
        _text("limits"),
        _int("break_glass", default="0"),
        _text("opened_by"),
        _int("opened"),
        _int("starts"),
        _int("ends"),
        _int("ended", null=True),
        _text("end_cause", null=True),
        _text("ended_by", null=True),
    )
    _index("exemptions_ends", "exemptions", ["ends"])
    _index("exemptions_user", "exemptions", ["user", "ends"])


def _signins() -> None:
    """Device sign-ins."""
    op.create_table(
        "signins",
        _text("id", key=True),
        _blob("device_code"),
        _blob("user_code"),
        _text("client"),
        _text("resource"),
        _text("scopes"),
        _text("state"),
        _text("requester_address"),
        _text("requester_agent"),
        _int("created"),
        _int("ends"),
        _text("challenge", null=True),
        _text("named", null=True),
        _text("user", null=True),
        _text("browser", null=True),
        _int("changes", default="0"),
        _int("claimed", null=True),
        _text("approver_address", null=True),
        _text("approver_agent", null=True),
        _int("decided", null=True),
        _int("authenticated", null=True),
        _text("amr", null=True),
        _text("exemption", null=True),
        _text("session", null=True),
        _int("redeemed", null=True),
        sa.UniqueConstraint("device_code"),
    )
    _index("signins_ends", "signins", ["ends"])
    _index("signins_user", "signins", ["user", "created"])
    _index("signins_user_code", "signins", ["user_code"], unique=True)


def _sessions() -> None:
    """What sign-ins give."""
    op.create_table(
        "sessions",
        _text("id", key=True),
        _text("kind"),
        _text("origin"),
        _text("user"),
        _text("client", null=True),
        _text("story"),
        _int("created"),
        _int("seen"),
        _int("idle_ends"),
        _int("ends"),
        _int("authenticated"),
        _text("amr"),
        _blob("cookie", null=True),
        _text("resource", default=""),
        _text("scopes", default=""),
        _text("reach", default="[]"),
        _text("exemption", null=True),
        _int("head", default="0"),
        _text("grace", default="[]"),
        _text("requester_address", default=""),
        _int("ended", null=True),
        _text("end_cause", null=True),
    )
    _index("sessions_cookie", "sessions", ["cookie"], unique=True)
    _index("sessions_ends", "sessions", ["ends"])
    _index("sessions_exemption", "sessions", ["exemption"])
    _index("sessions_user", "sessions", ["user", "ends"])
    op.create_table(
        "authorizations",
        _blob("code", key=True),
        _text("story"),
        _text("client"),
        _text("user"),
        _text("redirect_uri"),
        _text("challenge"),
        _text("nonce", null=True),
        _text("resource"),
        _text("scopes"),
        _int("created"),
        _int("ends"),
        _int("authenticated"),
        _text("amr"),
        _text("session", null=True),
    )
    _index("authorizations_ends", "authorizations", ["ends"])
