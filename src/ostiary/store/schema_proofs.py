"""
Tables of what proves people: passwords, authenticators, passkeys, codes, links. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["passkey_tables", "proof_tables"]


def proof_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Passwords, authenticators and invitations, in *metadata*."""
    passwords = Table(
        "passwords",
        metadata,
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        Column("encoded", Text, nullable=False),  # argon2id
        Column("changed", BigInteger, nullable=False),
    )
    authenticators = Table(
        "authenticators",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        Column("kind", Text, nullable=False),  # totp | recovery (the key of a set of recovery codes)
        Column("sealed", LargeBinary, nullable=False),
        Column("last_step", BigInteger, nullable=False, server_default="0"),  # RFC 6238: a code is taken once
        Column("confirmed", BigInteger, nullable=True),
        Column("created", BigInteger, nullable=False),
        Index("authenticators_user", "user"),
    )
    invitations = Table(
        "invitations",
        metadata,
        Column("digest", LargeBinary, primary_key=True),
        Column("purpose", Text, nullable=False),  # password | first_administrator | pass_once | pass_until
        Column("user", Text, nullable=True),
        Column("created", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Column("tries", BigInteger, nullable=False, server_default="0"),
        Column("spent", BigInteger, nullable=True),
        Index("invitations_purpose", "purpose", "user"),
        Index("invitations_ends", "ends"),
    )
    return passwords, authenticators, invitations


def passkey_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Passkeys, recovery codes and used challenges, in *metadata*."""
    passkeys = Table(
        "passkeys",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        Column("credential", LargeBinary, nullable=False),  # the authenticator's own id of it
        Column("public_key", LargeBinary, nullable=False),  # COSE_Key
        Column("sign_count", BigInteger, nullable=False),
        Column("transports", Text, nullable=False),  # space-separated
        Column("backup_eligible", BigInteger, nullable=False),  # BE = 0: bound to one device (R22)
        Column("backed_up", BigInteger, nullable=False),
        Column("aaguid", Text, nullable=False),
        Column("name", Text, nullable=False),  # the person's
        Column("created", BigInteger, nullable=False),
        Column("used", BigInteger, nullable=True),
        Column("attested", BigInteger, nullable=False, server_default="0"),  # by an allowed model (R22)
        Column("device", Text, nullable=True),  # of the inventory, whose browser made it
        Column("certificate", Text, nullable=True),  # x5t#S256 that showed the device
        UniqueConstraint("credential"),
        Index("passkeys_user", "user"),
    )
    recovery_codes = Table(
        "recovery_codes",
        metadata,
        Column("digest", LargeBinary, primary_key=True),  # HMAC-SHA-256 under the sealed key of the set
        Column("authenticator", Text, ForeignKey("authenticators.id", ondelete="CASCADE"), nullable=False),
        Column("used", BigInteger, nullable=True),
        Index("recovery_codes_authenticator", "authenticator"),
    )
    challenges = Table(
        "challenges",
        metadata,
        Column("digest", LargeBinary, primary_key=True),  # SHA-256: a challenge is answered once
        Column("ends", BigInteger, nullable=False),
        Index("challenges_ends", "ends"),
    )
    return passkeys, recovery_codes, challenges
