"""
Tables of the device inventory. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["device_tables"]


def device_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Devices, what the organisation said about admitting them, and the secrets of compliance webhooks."""
    devices = Table(
        "devices",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("owner", Text, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
        Column("jkt", Text, nullable=True),  # RFC 7638 thumbprint of the enrolled key
        Column("certificate", Text, nullable=True),  # x5t#S256 of its client certificate (RFC 8705 §3.1)
        Column("managed", BigInteger, nullable=False, server_default="0"),
        Column("compliant", BigInteger, nullable=False, server_default="0"),
        Column("compliance_ends", BigInteger, nullable=True),
        Column("properties", Text, nullable=False, server_default="{}"),  # JSON, core/devices/changes.py
        Column("registered", BigInteger, nullable=False),
        Column("asked_from", Text, nullable=False, server_default=""),  # address
        Column("admitted", BigInteger, nullable=True),
        Column("admitted_by", Text, nullable=False, server_default=""),  # an actor, or `rule`
        Column("expires", BigInteger, nullable=True),
        Column("seen", BigInteger, nullable=True),
        Column("revoked", BigInteger, nullable=True),
        Column("revoked_by", Text, nullable=False, server_default=""),
        Column("revision", BigInteger, nullable=False, server_default="0"),
        UniqueConstraint("jkt"),
        UniqueConstraint("certificate"),
        Index("devices_name", "name", "id"),
        Index("devices_owner", "owner", "registered"),
        Index("devices_pending", "admitted", "registered"),
        Index("devices_expires", "expires"),
    )
    settings = Table(
        "device_settings",
        metadata,
        Column("name", Text, primary_key=True),  # admission
        Column("document", Text, nullable=False),  # JSON, core/devices/admission.py
        Column("modified", BigInteger, nullable=False),
    )
    hooks = Table(
        "device_hooks",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),  # the secret that its sender signs with
        Column("created", BigInteger, nullable=False),
        Column("used", BigInteger, nullable=True),
    )
    return devices, settings, hooks
