"""
The table of erasures: whose personal data is being removed, and how far that is. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

__all__ = ["erasure_table"]


def erasure_table(metadata: MetaData) -> Table:
    """Erasures, in *metadata*."""
    return Table(
        "erasures",
        metadata,
        Column("user", Text, primary_key=True),  # id; says nothing of anybody once the rest is gone
        Column("by", Text, nullable=False),  # actor
        Column("reason", Text, nullable=False),
        Column("asked", BigInteger, nullable=False),
        Column("words", Text, nullable=False),  # JSON: what entries are found by; empty once all are gone
        Column("position", BigInteger, nullable=False),  # of the journal, looked at so far
        Column("until", BigInteger, nullable=False),  # the last one that can name the person
        Column("gone", BigInteger, nullable=False),  # entries that went
        Column("done", BigInteger, nullable=True),
        Column("stamp", Text, nullable=False, server_default=""),  # that a deed asked for it: HMAC, hexadecimal
    )
