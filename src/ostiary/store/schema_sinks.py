"""
The table of sinks of the journal. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text

__all__ = ["sink_table"]


def sink_table(metadata: MetaData) -> Table:
    """Sinks, in *metadata*; how far each has come is a row of `cursors`."""
    return Table(
        "log_sinks",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("form", Text, nullable=False),  # webhook | syslog
        Column("body", Text, nullable=False),  # json | ocsf | cef
        Column("host", Text, nullable=False),  # all of its address that is ever shown
        Column("sealed", LargeBinary, nullable=False),  # JSON: address, and the secret of a webhook (R17)
        Column("created", BigInteger, nullable=False),
        Column("sent", BigInteger, nullable=True),
        Column("failures", BigInteger, nullable=False, server_default="0"),  # in a row
        Column("rests", BigInteger, nullable=False, server_default="0"),  # nothing is tried before
        Column("trouble", Text, nullable=False, server_default=""),
    )
