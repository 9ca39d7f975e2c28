"""
Tables of the journal's Merkle tree (R15). They outlive the entries: a hash stays where an entry was erased.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = ["checkpoint_tables"]


def checkpoint_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """The leaves in their order, checkpoints, and the keys that signed them, in *metadata*."""
    leaves = Table(
        "log_leaves",
        metadata,
        Column("place", BigInteger, primary_key=True, autoincrement=False),  # from 0, gapless
        Column("stream", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("leaf", LargeBinary, nullable=False),
        UniqueConstraint("stream", "number"),
    )
    checkpoints = Table(
        "checkpoints",
        metadata,
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("note", Text, nullable=False),  # as it was signed
        Column("peaks", LargeBinary, nullable=False),  # of the tree, one after the other
        Index("checkpoints_at", "at", "size"),
    )
    keys = Table(
        "log_keys",
        metadata,
        Column("generation", BigInteger, primary_key=True, autoincrement=False),
        Column("master", Text, nullable=False),  # id of the master key that it is derived from
        Column("key", Text, nullable=False),  # the public half, as signed notes name keys
        Column("size", BigInteger, nullable=False),  # of the tree when it took over
        Column("at", BigInteger, nullable=False),
        Column("hand_over", Text, nullable=False),  # signed by it and by the one before; empty for the first
    )
    return leaves, checkpoints, keys
