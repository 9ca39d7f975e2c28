"""
Provisioning (SCIM): who may, their tokens, their accounts and groups.
"""

import sqlalchemy as sa
from alembic import op

revision = "0240"
down_revision = "0232"


def upgrade() -> None:
    """Four tables."""
    op.create_table(
        "provisioners",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("networks", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "provisioner_tokens",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        _provisioner(),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
    )
    op.create_index("provisioner_tokens_provisioner", "provisioner_tokens", ["provisioner", "ends"])
    off = sa.Column("off", sa.BigInteger(), nullable=False, server_default="-1")
    _owned("user", off, sa.Column("gone", sa.BigInteger(), nullable=True))
    op.create_index("provisioned_users_listed", "provisioned_users", ["provisioner", "gone", "user"])
    _owned("group")
    op.create_index("provisioned_groups_listed", "provisioned_groups", ["provisioner", "group"])


def _provisioner() -> sa.Column[str]:
    return sa.Column("provisioner", sa.Text(), sa.ForeignKey("provisioners.id", ondelete="CASCADE"), nullable=False)


def _owned(what: str, *more: sa.Column[int]) -> None:
    """The accounts, or the groups, that are a provisioner's."""
    op.create_table(
        f"provisioned_{what}s",
        sa.Column(what, sa.Text(), sa.ForeignKey(f"{what}s.id", ondelete="CASCADE"), primary_key=True),
        _provisioner(),
        sa.Column("external", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        *more,
    )
    op.create_index(f"provisioned_{what}s_external", f"provisioned_{what}s", ["provisioner", "external"])
