"""Migrations: what they make is the schema of today, rows outlive them, and a kill in the middle leaves none of one."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Index, MetaData, Table, Text, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from ostiary.core.directory.applications import Application, from_document, to_document
from ostiary.core.directory.assessments import may_start
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.store.migrate import SCRIPTS, migrate, newest
from ostiary.store.schema import metadata
from tests.schema import empty

REVISIONS = tuple(script.revision for script in reversed(list(ScriptDirectory(str(SCRIPTS)).walk_revisions())))

GONE: dict[str, tuple[str, ...]] = {"0190": ("stories.waits",)}
"""What a revision takes away on purpose: its tables, and columns as ``table.column``. Everything else survives it."""

TELLING: dict[str, Any] = {"applications.registration": "{}"}
"""Values that a step must be able to read, by ``table.column``; other columns get a text or a number of no meaning."""

PARTS = ("columns", "foreign keys", "unique constraints", "checks", "indexes")


def connection(path: Path) -> Connection:
    """A connection of SQLAlchemy's own, for looking."""
    return create_engine(f"sqlite:///{path}", poolclass=NullPool).connect()


def shape(db: Connection) -> dict[str, dict[str, Any]]:
    """Every table as SQLite knows it, each part in an order of its own: a later column stands where it was added."""
    tables = [name for name in inspect(db).get_table_names() if name != "alembic_version"]
    return {name: dict(zip(PARTS, _parts(db, name), strict=True)) for name in tables}


def _parts(db: Connection, table: str) -> tuple[Any, ...]:
    look = inspect(db)
    columns = sorted(tuple(row)[1:] for row in db.execute(text(f'PRAGMA table_xinfo("{table}")')))
    foreign = sorted(tuple(row)[2:] for row in db.execute(text(f'PRAGMA foreign_key_list("{table}")')))
    uniques = sorted(tuple(each["column_names"]) for each in look.get_unique_constraints(table))
    checks = sorted(each["sqltext"] for each in look.get_check_constraints(table))
    found = db.execute(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :t"), {"t": table})
    return columns, foreign, uniques, checks, sorted(re.sub(r"\s+", " ", sql) for (sql,) in found if sql)


def differences(migrated: Path, wanted: MetaData, folder: Path) -> list[str]:
    """How the database *migrated* differs from *wanted*: as Alembic sees it, and in what Alembic is blind to."""
    fresh = folder / "fresh.db"
    fresh.unlink(missing_ok=True)
    if wanted is metadata:
        empty(fresh).dispose()
    with connection(fresh) as new, connection(migrated) as old:
        wanted.create_all(new)
        is_, should = shape(old), shape(new)
        context = MigrationContext.configure(old, opts={"compare_type": True})  # of defaults it is wrong on SQLite
        seen = [str(each) for each in compare_metadata(context, wanted)]
    told = [f"{name}: only one of the two has it" for name in is_.keys() ^ should.keys()]
    for name in is_.keys() & should.keys():
        told += [
            f"{name}: {part}: {is_[name][part]} but {should[name][part]}"
            for part in PARTS
            if is_[name][part] != should[name][part]
        ]
    return [*seen, *told]


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that every migration ran on."""
    path = tmp_path_factory.mktemp("today") / "t.db"
    migrate(path)
    return path


def test_the_migrations_make_the_schema_of_today(today: Path, tmp_path: Path) -> None:
    """Whoever changes `store/schema.py` writes a migration, or this fails."""
    assert differences(today, metadata, tmp_path) == []


def copied() -> MetaData:
    """The schema, to be changed."""
    copy = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(copy)
    return copy


def _partial(schema: MetaData) -> None:
    (index,) = (each for each in schema.tables["stories"].indexes if each.name == "stories_waits")
    index.dialect_options["sqlite"]["where"] = text("waits > 0")


def _whole(schema: MetaData) -> None:
    table = schema.tables["journal"]
    (index,) = (each for each in table.indexes if each.name == "audits_at")
    table.indexes.discard(index)
    Index("audits_at", table.c.at, table.c.position)


CHANGES = {
    "a table": lambda schema: Table("new", schema, Column("id", Text, primary_key=True)),
    "a column": lambda schema: schema.tables["users"].append_column(Column("new", Text)),
    "nullability": lambda schema: setattr(schema.tables["users"].c.mail, "nullable", False),
    "a default": lambda schema: setattr(schema.tables["users"].c.epoch.server_default, "arg", "1"),
    "a type": lambda schema: setattr(schema.tables["users"].c.created, "type", Text()),
    "an index": lambda schema: Index("new", schema.tables["users"].c.mail),
    "uniqueness of an index": lambda schema: setattr(
        next(i for i in schema.tables["sessions"].indexes if i.name == "sessions_user"), "unique", True
    ),
    "the condition of an index": _partial,
    "an index that has no condition any more": _whole,
    "what a foreign key does": lambda schema: setattr(
        next(iter(schema.tables["members"].foreign_key_constraints)), "ondelete", None
    ),
    "a unique constraint": lambda schema: setattr(
        schema.tables["users"],
        "constraints",
        {each for each in schema.tables["users"].constraints if type(each).__name__ != "UniqueConstraint"},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_without_a_migration_is_found(today: Path, tmp_path: Path, what: str) -> None:
    """The comparison sees each kind of change that a schema can have."""
    schema = copied()
    CHANGES[what](schema)
    assert differences(today, schema, tmp_path)


def test_an_unchanged_copy_of_the_schema_is_no_change(today: Path, tmp_path: Path) -> None:
    """What the changes above are found by is the change, not the copying."""
    assert differences(today, copied(), tmp_path) == []


def plant(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Two rows in every table of the database, made from its columns alone; foreign keys hold."""
    planted: dict[str, list[dict[str, Any]]] = {}
    with connection(path) as db:
        found = MetaData()
        found.reflect(db)
        for table in found.sorted_tables:
            if table.name != "alembic_version":
                planted[table.name] = [_row(table, planted, number) for number in (1, 2)]
                db.execute(table.insert(), planted[table.name])
        db.commit()
    return planted


def _row(table: Table, planted: dict[str, list[dict[str, Any]]], number: int) -> dict[str, Any]:
    return {column.name: _value(column, planted, number) for column in table.columns}


def _value(column: Column[Any], planted: dict[str, list[dict[str, Any]]], number: int) -> Any:
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return planted[target.table.name][number - 1][target.name]
    name = f"{column.table.name}.{column.name}"
    if name in TELLING:
        return TELLING[name]
    kind = column.type.python_type
    return {str: f"{name} {number}", int: number, bytes: f"{name} {number}".encode()}[kind]


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_every_revision_are_brought_forward(tmp_path: Path, revision: str) -> None:
    """A database of any release, with rows in each table, becomes today's and keeps every row and value."""
    path = tmp_path / "t.db"
    migrate(path, to=revision)
    planted = plant(path)
    migrate(path)
    assert differences(path, metadata, tmp_path) == []
    gone = {each for later in REVISIONS[REVISIONS.index(revision) + 1 :] for each in GONE.get(later, ())}
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for table in planted.keys() - gone:
        names = [name for name in planted[table][0] if f"{table}.{name}" not in gone]
        listed = ", ".join(f'"{name}"' for name in names)
        rows = set(db.execute(f'SELECT {listed} FROM "{table}"'))
        assert {tuple(row[name] for name in names) for row in planted[table]} <= rows, table
    db.close()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    """Every start runs the migrations."""
    path = tmp_path / "t.db"
    migrate(path)
    before = path.read_bytes()
    migrate(path)
    assert path.read_bytes() == before


DYING = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from ostiary.store.migrate import migrate

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("statements", [1, 4, 9, 30, 55])
def test_a_kill_in_the_middle_leaves_none_of_it(tmp_path: Path, statements: int) -> None:
    """The steps are one transaction: whatever was killed on the way, the next start begins where it began."""
    path = tmp_path / "t.db"
    died = subprocess.run([sys.executable, "-c", DYING, str(path), str(statements)], check=False)
    assert died.returncode == -signal.SIGKILL
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == []
    db.close()
    migrate(path)
    assert differences(path, metadata, tmp_path) == []


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    """Migrations go forward only: an older program must not guess at what it does not know."""
    path = tmp_path / "t.db"
    migrate(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.commit()
    db.close()
    with pytest.raises(StoreFailed, match="newer"):
        migrate(path)
    assert newest() == REVISIONS[-1]


def test_r23_a_device_flow_that_was_on_gets_a_record_to_be_dated(tmp_path: Path) -> None:
    """R23: the first start dates it; until then nothing begins. Where it was off there is no record."""
    path = tmp_path / "t.db"
    migrate(path, to="0020")
    with sqlite3.connect(path) as db:
        for id, flow in (("on", True), ("off", False)):
            document = {**to_document(Application(AppId(id), id, id)), "device_flow": flow}
            old = json.dumps({key: value for key, value in document.items() if key not in ("assessment", "verified")})
            db.execute("INSERT INTO applications VALUES (?, ?, ?, 1, ?, 0)", (id, id, id, old))
    db.close()
    migrate(path)
    with sqlite3.connect(path) as db:
        found = {id: json.loads(text) for id, text in db.execute("SELECT id, registration FROM applications")}
    db.close()
    read = {
        id: from_document(text, id=id, object_id=id, name=id, enabled=True, created=0) for id, text in found.items()
    }
    assert (read["off"].assessment, read["off"].verified) == (None, False)
    carried = read["on"].assessment
    assert carried is not None
    assert carried.carried
    assert not may_start(carried, Instant(10**15))
