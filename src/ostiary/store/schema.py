"""
Every table. Columns hold text, integers and bytes; times are integer microseconds UTC (`Instant`); JSON is canonical
text.

Secrets are digests or sealed (R17). Ends are columns that are compared with *now*; nothing here ends by a job.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ostiary.store.schema_checkpoints import checkpoint_tables
from ostiary.store.schema_detections import detection_tables, response_tables
from ostiary.store.schema_devices import device_tables
from ostiary.store.schema_drills import drill_table
from ostiary.store.schema_erasures import erasure_table
from ostiary.store.schema_exemptions import exemption_table, exemption_tables, review_tables
from ostiary.store.schema_logs import journal_tables, story_table
from ostiary.store.schema_notices import notice_tables
from ostiary.store.schema_proofs import passkey_tables, proof_tables
from ostiary.store.schema_provisioning import provisioning_tables
from ostiary.store.schema_signals import ON_DEVICES, signal_tables
from ostiary.store.schema_sinks import sink_table
from ostiary.store.schema_upstream import upstream_tables

metadata = MetaData()

# SQLite gives only INTEGER PRIMARY KEY a rowid alias.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def _key(name: str = "id") -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=default)


def _int(name: str, *, null: bool = False, default: str | None = None) -> Column[int]:
    return Column(name, BigInteger, nullable=null, server_default=default)


def _blob(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


# ---- the house itself

organisation = Table(
    "organisation",
    metadata,
    _key("tenant"),  # GUID
    _text("name"),
    _text("domains"),  # JSON array of verified domains
    _int("sample", default="0"),
    _int("created"),
)

versions = Table("versions", metadata, _key("name"), _int("number"))
"""One row a picture that nodes keep in memory; raised in the transaction that changes what the picture shows."""

leases = Table("leases", metadata, _key("job"), _text("holder"), _int("until"))

keys = Table(
    "keys",
    metadata,
    _key("kid"),
    _text("purpose"),  # signing
    _text("algorithm"),  # ES256 | RS256
    _blob("sealed"),
    _text("public"),  # JWK
    _int("created"),
    _int("signs_from"),
    _int("signs_until", null=True),
    _int("shown_until", null=True),
)

# ---- journal

streams, journal, cursors = journal_tables(metadata)
log_leaves, checkpoints, log_keys = checkpoint_tables(metadata)
stories = story_table(metadata)
erasures = erasure_table(metadata)
log_sinks = sink_table(metadata)

# ---- directory

ADMINISTRATES = text("""roles LIKE '%"administrator"%'""")
"""Who is among the administrators, as the index and the count of them say it."""

HAS_ROLE = text("roles <> '[]'")
"""Who has a role at all: few, among whom those of one role are looked for."""

users = Table(
    "users",
    metadata,
    _key(),
    _text("principal_name"),  # lower case
    _text("display_name"),
    _text("mail", null=True),
    _int("enabled", default="1"),
    _text("roles", default="[]"),  # JSON array
    _int("created"),
    _int("epoch", default="0"),  # sessions begun before it are over (disabled, password changed, sessions revoked)
    _int("vouched", null=True),  # until when the last word of their upstream provider counts
    UniqueConstraint("principal_name"),
    Index("users_roles", "id", sqlite_where=HAS_ROLE, postgresql_where=HAS_ROLE),
    Index("users_administrators", "enabled", sqlite_where=ADMINISTRATES, postgresql_where=ADMINISTRATES),
)

passwords, authenticators, invitations = proof_tables(metadata)
passkeys, recovery_codes, challenges = passkey_tables(metadata)
upstream_links, upstream_grants, upstream_members = upstream_tables(metadata)

throttles = Table(
    "throttles",
    metadata,
    _key("subject"),  # e.g. code:<user>, address:<prefix>, password:<user>:<prefix>
    _int("since"),
    _int("count"),
    _int("until", default="0"),
)

groups = Table(
    "groups",
    metadata,
    _key(),
    _text("display_name"),
    _text("description", default=""),
    _text("purpose", default=""),  # exception: the group that the block excludes; its members come from exemptions only
    _int("created"),
    UniqueConstraint("display_name"),
)

members = Table(
    "members",
    metadata,
    Column("group", Text, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _int("since"),
    Index("members_user", "user"),
)

applications = Table(
    "applications",
    metadata,
    _key(),  # client_id, Graph's appId
    _text("object_id"),
    _text("display_name"),
    _int("enabled", default="1"),
    _text("registration"),  # JSON, core/directory/applications.py
    _int("created"),
    UniqueConstraint("object_id"),
)

identifiers = Table(
    "identifiers",
    metadata,
    _key("uri"),  # normalised
    Column("application", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("client", Text, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True),
    Column("resource", Text, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True),
    _text("scopes"),  # space-separated
    _int("created"),
)

assignments = Table(
    "assignments",
    metadata,
    _key(),
    Column("application", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    _text("principal"),  # user or group id
    _text("principal_kind"),  # User | Group
    _int("created"),
    UniqueConstraint("application", "principal"),
)

devices, device_settings, device_hooks = device_tables(metadata)
provisioners, provisioner_tokens, provisioned_users, provisioned_groups = provisioning_tables(metadata)

# ---- access

policies = Table(
    "policies",
    metadata,
    _key(),
    _text("document"),  # Graph conditionalAccessPolicy, canonical JSON
    _int("created"),
    _int("modified"),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),  # of the picture, from which on it said so
    _text("document", null=True),  # null: deleted
)
"""What every policy said before, so that a decision can be explained later; written with each change."""

named_locations = Table("named_locations", metadata, _key(), _text("document"), _int("created"), _int("modified"))
kill_switch = Table("kill_switch", metadata, _key("name"), _text("words"), *map(_int, ("number", "engaged", "killed")))
"""What a device code began until `killed` is over (R8); `words` is JSON: who and why."""

exemptions = exemption_table(metadata)
eligibilities, exemption_rules, exemption_requests, exemption_decisions = exemption_tables(metadata)
access_reviews, access_review_items = review_tables(metadata)

# ---- sign-ins and what they give

signins = Table(
    "signins",
    metadata,
    _key(),
    _blob("device_code"),  # SHA-256
    _blob("user_code"),  # HMAC-SHA-256 (R10)
    _text("client"),
    _text("resource"),
    _text("scopes"),
    _text("state"),
    _text("requester_address"),
    _text("requester_agent"),
    _int("created"),
    _int("ends"),
    _text("challenge", null=True),  # PKCE S256 (R12)
    _text("jkt", null=True),  # thumbprint of the key that every poll proves (R12)
    _text("x5t", null=True),  # or of the certificate that it comes with (RFC 8705)
    _text("named", null=True),  # the only user who may claim (login_hint, R11)
    _text("user", null=True),
    _text("browser", null=True),  # the browser session that claimed
    _int("changes", default="0"),  # of account before consent (R11)
    _blob("handed", null=True),  # SHA-256 of the value that the browser which gave the code back holds (R11)
    _int("claimed", null=True),
    _text("approver_address", null=True),
    _text("approver_agent", null=True),
    _text("approver_device", null=True),  # of the inventory, as the browser's certificate proved
    _text("approver_passkey", null=True),  # or which passkey stood for one (R22)
    _int("decided", null=True),
    _int("authenticated", null=True),  # auth_time of the consent
    _text("amr", null=True),
    _text("exemption", null=True),
    _text("session", null=True),
    _int("redeemed", null=True),
    _blob("number", null=True),  # HMAC of the number of the consent (R12)
    _text("declared", default=""),  # JSON: what the requester says of itself, core/signins/declared.py
    _text("reach", default="{}"),  # JSON: resources and scopes that the page showed for later (R7)
    _text("device", null=True),  # the device of the inventory that asked, proved
    _text("matched", default=""),  # what its person typed of what the requester had said (M17)
    _int("asked", null=True),  # when its person asked for an exemption with their consent (R5)
    UniqueConstraint("device_code"),
    Index("signins_user_code", "user_code", unique=True),
    Index("signins_ends", "ends"),
    Index("signins_user", "user", "created", "redeemed", "client", "requester_address"),
)

sessions = Table(
    "sessions",
    metadata,
    _key(),
    _text("kind"),  # browser | device | code
    _text("origin"),
    _text("user"),
    _text("client", null=True),
    _text("story"),
    _int("created"),
    _int("seen"),  # last use, at most a minute old
    _int("idle_ends"),
    _int("ends"),
    _int("authenticated"),
    _text("amr"),
    _blob("cookie", null=True),  # SHA-256 of the browser's session id (R16)
    _text("passkey", null=True),  # with which a browser proved it last
    _text("resource", default=""),
    _text("scopes", default=""),
    _text("reach", default="[]"),  # JSON: resources and scopes that a refresh may name (R7)
    _text("exemption", null=True),
    _int("head", default="0"),  # number of the live refresh token (R6)
    _text("grace", default="[]"),  # JSON: [number, when it stopped being head] of the last minute (R6)
    _text("requester_address", default=""),
    _text("approved_from", default=""),  # JSON: the person's side when it was approved, services/access/gather.py
    _text("jkt", null=True),  # thumbprint of the key that its tokens are bound to (RFC 9449)
    _text("x5t", null=True),  # or of the certificate (RFC 8705)
    _text("device", null=True),  # the device of the inventory that it is on: it ends with that
    _int("device_revision", null=True),  # what of the device policy looked at last
    _text("trust", null=True),  # of its application: which one gave it to a workload
    _int("ended", null=True),
    _text("end_cause", null=True),
    _int("signalled", null=True),  # when receivers were told that it is over; used after that, it is told again
    Index("sessions_cookie", "cookie", unique=True),
    Index("sessions_user", "user", "ends"),
    Index("sessions_exemption", "exemption"),
    Index("sessions_ends", "ends"),
    Index("sessions_device", "device", sqlite_where=ON_DEVICES, postgresql_where=ON_DEVICES),
)

authorizations = Table(
    "authorizations",
    metadata,
    Column("code", LargeBinary, primary_key=True),  # SHA-256
    _text("story"),
    _text("client"),
    _text("user"),
    _text("redirect_uri"),
    _text("challenge"),
    _text("jkt", null=True),  # dpop_jkt (RFC 9449 §10)
    _text("nonce", null=True),
    _text("resource"),
    _text("scopes"),
    _int("created"),
    _int("ends"),
    _int("authenticated"),
    _text("amr"),
    _text("session", null=True),  # what it gave: a second use ends it
    _text("approved_from", default=""),  # as in sessions
    Index("authorizations_ends", "ends"),
)

assertions = Table(
    "assertions",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    _blob("key"),  # SHA-256 of application and jti (RFC 7523 §3): a client assertion is taken once
    _text("source"),  # where it came from: clients that use one several times do it from one place
    _int("ends"),  # when it counts no more by itself
    UniqueConstraint("key"),
    Index("assertions_ends", "ends"),
)

drills = drill_table(metadata)
notice_channels, notices, notice_moments = notice_tables(metadata)
signal_streams, signal_subjects, signal_outbox = signal_tables(metadata)
detection_tracks, findings, finding_stories, findings_held_back = detection_tables(metadata)
finding_responses, response_policy = response_tables(metadata)
