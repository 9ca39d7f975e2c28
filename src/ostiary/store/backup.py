"""
Copies of the embedded database: made while it is in use, verified before anybody relies on them.

Owns SQLite's own online backup and what can be told of a file without opening a house on it. A copy holds no master
key: what is sealed in it stays sealed.
"""

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import Instant
from ostiary.store.erasures import ALL_OPEN, Erasure, from_row
from ostiary.store.keys import KeyRow
from ostiary.store.seals import PLACES

__all__ = ["Inspected", "copy", "inspect", "sealed_under", "settle"]

PAGES = 1024  # of 4 KiB between two looks at whether somebody writes
_KEYS = "SELECT kid, algorithm, sealed, public, created, signs_from, signs_until, shown_until FROM keys"


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a database says of itself."""

    revision: str
    """The last migration that ran on it."""
    tenant: str
    """Empty: nothing was founded in it."""
    sample: bool
    entries: int
    """Entries of the journal."""
    last: Instant
    """When the newest was written; 0 without any."""
    keys: tuple[KeyRow, ...]
    sealed: Mapping[bytes, int]
    """How many values are sealed under each master key, by its id."""
    killed: Instant | None = None
    """Since when the kill switch is on."""
    erasures: tuple[Erasure, ...] = ()
    """Those that go on."""


def copy(source: Path, target: Path) -> Inspected:
    """
    Copy the database at *source*, which may be in use, to the new file *target* (0600), on disk when this returns.

    Raises FileExistsError; StoreFailed or OSError when either file is not whole: then no *target* is left.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    try:
        _copy(source, target)
        found = inspect(target)
        _sync(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return found


def _copy(source: Path, target: Path) -> None:
    try:
        old, new = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
        try:
            old.backup(new, pages=PAGES)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        finally:
            new.close()
            old.close()
    except sqlite3.Error as wrong:
        raise StoreFailed(f"{source} cannot be copied: {wrong}") from wrong


def settle(path: Path) -> bool:
    """
    Bring what stands in the log of the database at *path*, which nobody has open, into its one file; False when it is
    too damaged for that.
    """
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
        try:
            return bool(db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",))
        finally:
            db.close()
    except sqlite3.Error:
        return False


def inspect(path: Path) -> Inspected:
    """Look through the whole database at *path*. Raises StoreFailed when it is damaged or not one of ours."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return _inspect(db, path)
        finally:
            db.close()
    except sqlite3.Error as wrong:
        raise StoreFailed(f"{path} is not a database of ours: {wrong}") from wrong


def sealed_under(path: Path) -> dict[bytes, int]:
    """How many values of the database at *path* are sealed under each master key, by its id. Raises StoreFailed."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return _sealed(db)
        finally:
            db.close()
    except sqlite3.Error as wrong:
        raise StoreFailed(f"{path} is not a database of ours: {wrong}") from wrong


def _sealed(db: sqlite3.Connection) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for place in PLACES:
        for master, count in db.execute(place.counts.sqlite, place.counts.constants):
            found[bytes(master)] = found.get(bytes(master), 0) + count
    return found


def _inspect(db: sqlite3.Connection, path: Path) -> Inspected:
    for check in ("PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"):
        row = db.execute(check).fetchone()
        if row not in (None, ("ok",)):
            raise StoreFailed(f"{path} is damaged: {row[0]}")
    house = db.execute("SELECT tenant, sample FROM organisation").fetchone() or ("", 0)
    (revision,) = db.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    count, last = db.execute("SELECT count(*), coalesce(max(at), 0) FROM journal").fetchone()
    rows = tuple(KeyRow(*row) for row in db.execute(_KEYS))
    return Inspected(
        revision, house[0], bool(house[1]), count, Instant(last), rows, _sealed(db), _killed(db), _erasures(db)
    )


def _erasures(db: sqlite3.Connection) -> tuple[Erasure, ...]:
    """An older database has none, or none with a stamp."""
    if db.execute("SELECT 1 FROM pragma_table_info('erasures') WHERE name = 'stamp'").fetchone() is None:
        return ()
    return tuple(from_row(row) for row in db.execute(ALL_OPEN.sqlite, ALL_OPEN.constants))


def _killed(db: sqlite3.Connection) -> Instant | None:
    """An older database has no kill switch."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'kill_switch'").fetchone() is None:
        return None
    row = db.execute("SELECT killed FROM kill_switch WHERE engaged = 1").fetchone()
    return None if row is None else Instant(row[0])


def _sync(path: Path) -> None:
    """The file and its name are on disk when this returns."""
    for each, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        handle = os.open(each, flags | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
