"""
Passkeys, recovery codes, and challenges that were answered.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0020"


def upgrade() -> None:
    """Three tables; nothing that was there changes."""
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("credential", "public_key")),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("transports", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("backup_eligible", "backed_up")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("aaguid", "name")),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=True),
        sa.UniqueConstraint("credential"),
    )
    op.create_index("passkeys_user", "passkeys", ["user"])
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("authenticator", sa.Text, sa.ForeignKey("authenticators.id", ondelete="CASCADE"), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=True),
    )
    op.create_index("recovery_codes_authenticator", "recovery_codes", ["authenticator"])
    op.create_table(
        "challenges",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("challenges_ends", "challenges", ["ends"])
