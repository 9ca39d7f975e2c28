"""
Tables of the journal and of the sign-ins folded from it. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

__all__ = ["ABOUT_PEOPLE", "AUDITED", "REFRESHES", "journal_tables", "story_table"]

AUDITED = text("substr(kind, 1, 5) IN ('admin', 'syste', 'user:')")
"""Which entries are changes rather than sign-ins: `core/logs/story.py` says the same of a kind."""

ABOUT_PEOPLE = text("substr(target, 1, 5) = 'user:'")
"""Which entries a person can be told of; of the rest nothing is looked up by its target."""

REFRESHES = text("kind IN ('token:session:refreshed', 'token:session:refresh_refused')")
"""Which entries are rows of their own where the sign-in log is asked for non-interactive ones."""

WAITS = text("waits IS NOT NULL")

# SQLite gives only INTEGER PRIMARY KEY a rowid alias.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def journal_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Streams, the journal and its readers' cursors, in *metadata*."""
    streams = Table(
        "streams",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("head", BigInteger, nullable=False),
    )
    journal = Table(
        "journal",
        metadata,
        Column("position", _Serial, primary_key=True, autoincrement=True),
        Column("stream", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("story", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("body", Text, nullable=False),  # canonical JSON of the whole entry, R15
        Column("leaf", LargeBinary, nullable=False),
        UniqueConstraint("stream", "number"),
        Index("journal_refreshes", "at", "position", sqlite_where=REFRESHES, postgresql_where=REFRESHES),
        Index("journal_people", "target", "position", sqlite_where=ABOUT_PEOPLE, postgresql_where=ABOUT_PEOPLE),
        # the directory audits are few beside the sign-ins: indexes of their own, in the order in which they are shown
        *(
            Index(f"audits_{name}", *columns, "at", "position", sqlite_where=AUDITED, postgresql_where=AUDITED)
            for name, columns in (("at", ()), *((name, (name,)) for name in ("kind", "actor", "target", "story")))
        ),
    )
    cursors = Table(
        "cursors",
        metadata,
        Column("reader", Text, primary_key=True),
        Column("position", BigInteger, nullable=False),
    )
    return streams, journal, cursors


def _index_of_some(name: str) -> Index:
    """Most sign-ins have none, and pay nothing for it; whoever asks for one value is answered all the same."""
    there = text(f"{name} IS NOT NULL")
    return Index(f"stories_{name}", name, "started", "id", sqlite_where=there, postgresql_where=there)


def story_table(metadata: MetaData) -> Table:
    """Sign-ins as their entries tell them, in *metadata*."""
    return Table(
        "stories",
        metadata,
        Column("id", Text, primary_key=True),
        Column("started", BigInteger, nullable=False),
        Column("changed", BigInteger, nullable=False),
        Column("outcome", Text, nullable=False),  # pending | success | failure
        Column("user", Text, nullable=True),
        Column("client", Text, nullable=True),
        Column("exemption", Text, nullable=True),
        Column("requester", Text, nullable=True),  # address
        Column("approver", Text, nullable=True),  # address
        Column("protocol", Text, nullable=False),  # deviceCode | authorizationCodeWithPkce | …
        Column("story", Text, nullable=False),  # JSON, core/logs/story.py
        Column("error", BigInteger, nullable=False, server_default="0"),  # AADSTS number of the outcome
        Column("waits", BigInteger, nullable=True),  # until when a pending one may still come to something
        Column("access", Text, nullable=False, server_default="notApplied"),  # Graph's conditionalAccessStatus
        Column("resource", Text, nullable=True),
        Index("stories_started", "started", "id"),
        *(
            Index(f"stories_{name}", name, "started", "id")
            for name in ("user", "client", "outcome", "requester", "protocol", "error", "access")
        ),
        *(_index_of_some(name) for name in ("approver", "exemption", "resource")),
        Index("stories_waits", "waits", sqlite_where=WAITS, postgresql_where=WAITS),
    )  # fmt: skip
