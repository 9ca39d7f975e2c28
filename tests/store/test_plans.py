"""What anybody can make the service look up is found by an index, whatever the size of the table."""

import sqlite3
from pathlib import Path

import pytest

from ostiary.store import credentials, directory
from ostiary.store.migrate import migrate
from ostiary.store.sql import Sql

ASKED = {
    "administrators, by everybody who opens /setup": directory._ADMINISTRATORS,
    "open codes, by everybody who opens /setup": credentials._OPEN_INVITATIONS,
    "links of one person": credentials._VOID,
    "wrong tries": credentials._TRY,
    "links that ran out": credentials._FORGET_INVITATIONS,
}


@pytest.mark.parametrize("what", ASKED)
def test_nothing_that_anybody_asks_reads_a_whole_table(tmp_path: Path, what: str) -> None:
    """SQLite says how it would go about it; a scan would be slower with every account."""
    path = tmp_path / "t.db"
    migrate(path)
    statement: Sql = ASKED[what]
    with sqlite3.connect(path) as db:
        names = dict.fromkeys(statement.names)
        plan = [
            row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", {**names, **statement.constants})
        ]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN")], plan
