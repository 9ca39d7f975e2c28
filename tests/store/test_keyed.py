"""Rows of many keys at once."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from ostiary.store import Tx
from ostiary.store.keyed import PIECE, keyed, rows_of
from ostiary.store.sqlite import SqliteTx, finish

NUMBERS = Table("numbers", MetaData(), Column("name", Text, primary_key=True), Column("value", Integer))
OF = keyed(select(NUMBERS.c.name, NUMBERS.c.value).where(NUMBERS.c.value >= 0))


@pytest.mark.parametrize("many", [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_each_key_has_its_row_and_no_other_has(many: int) -> None:
    """However many are asked for, in whatever order, one of them twice; what is not there is left out."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE numbers (name TEXT PRIMARY KEY, value)")
        db.executemany("INSERT INTO numbers VALUES (?, ?)", [(f"n{n}", n) for n in range(5 * PIECE)])
        db.execute("UPDATE numbers SET value = -1 WHERE name = 'n0'")
        tx: Tx = SqliteTx(db, "n1", lambda: b"")
        wanted = [f"n{n}" for n in reversed(range(many))]
        found = finish(rows_of(tx, OF, [*wanted, *wanted[:1], "nobody"]))
    assert found == {f"n{n}": (f"n{n}", n) for n in range(1, many)}
