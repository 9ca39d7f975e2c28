"""
Tables of strong sign-in: passkeys, recovery codes, challenges that were used. Part of `schema`, which is full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["proof_tables"]


def proof_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
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
