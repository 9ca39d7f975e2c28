"""
How much there is in a database, and how far each reader of it is: numbers, never anybody's words, names or addresses.

Reads the file beside whoever serves from it.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import Instant, Span

__all__ = ["Census", "count"]

_CURSORS = "SELECT reader, position FROM cursors ORDER BY reader"

MOST = 100_000
"""Newest journal entries that are told apart by kind."""
MOST_FAULTS = 1_000


@dataclass(frozen=True, slots=True)
class Census:
    """What was counted."""

    sqlite: str
    """The library's version."""
    rows: Mapping[str, int]
    """Of each table."""
    behind: Mapping[str, int]
    """How many entries of the journal each reader has not read yet."""
    jobs: Mapping[str, Instant]
    """Until when the lease of each job runs."""
    kinds: Mapping[str, int]
    """Entries of the time asked for, by their kind; at most the newest 100,000."""
    faults: Mapping[str, int]
    """The classes of errors that doors answered for in that time; at most the newest 1,000."""


def count(path: Path, now: Instant, within: Span) -> Census:
    """Count in the database at *path*, and its entries of *within* before *now*. Raises StoreFailed."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return _count(db, Instant(now - within))
        finally:
            db.close()
    except sqlite3.Error as wrong:
        raise StoreFailed(f"{path} is not a database of ours: {wrong}") from wrong


def _count(db: sqlite3.Connection, since: Instant) -> Census:
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
    tables = [name for (name,) in db.execute(named)]
    rows = {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    (head,) = db.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()
    newest = "SELECT position, kind, at FROM journal ORDER BY position DESC LIMIT ?"
    entries = [(position, kind) for position, kind, at in db.execute(newest, (MOST,)) if at >= since]
    faulty = [position for position, kind in entries if kind == Kind.FAULT.value][:MOST_FAULTS]
    return Census(
        sqlite=sqlite3.sqlite_version,
        rows=rows,
        # some readers of time keep an instant there, beyond any place in the journal
        behind={reader: head - at for reader, at in db.execute(_CURSORS) if at <= head},
        jobs={job: Instant(until) for job, until in db.execute("SELECT job, until FROM leases ORDER BY job")},
        kinds=dict(sorted(Counter(kind for _, kind in entries).items())),
        faults=dict(sorted(Counter(_class(db, position) for position in faulty).items())),
    )


def _class(db: sqlite3.Connection, position: int) -> str:
    """The class of the error that the entry at *position* noted: a name of ours or of a library's."""
    (body,) = db.execute("SELECT body FROM journal WHERE position = ?", (position,)).fetchone()
    name = json.loads(body or "{}").get("detail", {}).get("error", "")
    return name if isinstance(name, str) and name.isidentifier() else "?"
