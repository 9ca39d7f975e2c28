"""
Bringing a database to this version's schema, forward only (Alembic, which is the one that runs SQL through SQLAlchemy).

All steps of one call are one transaction: a kill in the middle leaves the database as it was.
"""

import os
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from ostiary.core.words.errors import StoreFailed

__all__ = ["SCRIPTS", "migrate", "newest"]

SCRIPTS = Path(__file__).parent / "migrations"
HEAD = "head"


def newest() -> str:
    """The revision that `migrate` brings a database to."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def migrate(path: Path, *, to: str = HEAD) -> None:
    """
    Make or upgrade the database at *path*; a new file is private (0600) before anything is in it.

    Raises StoreFailed when a newer program wrote it.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    try:
        _upgrade(engine, to)
    finally:
        engine.dispose()


def _upgrade(engine: Engine, to: str) -> None:
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        found = MigrationContext.configure(connection).get_current_heads()
        if not known.issuperset(found):
            raise StoreFailed(f"the database is at revision {', '.join(found)}: a newer program wrote it")
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def _durable(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 would begin before INSERT only, and let each CREATE commit by itself
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
