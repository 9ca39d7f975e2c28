"""
Writes to a store until it is killed, and tells of each deed once it was acknowledged: a line with its number.

``python writer.py DATABASE FIRST [SYNCHRONOUS]``
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert

from ostiary.store import Body, Tx
from ostiary.store.sql import sql
from ostiary.store.sqlite import SqliteStore

THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True))
ADD = sql(insert(THINGS).values(id=bindparam("id")))
AT_ONCE = 8  # writers


def adding(id: int) -> Body[int]:
    """A deed that leaves one row."""

    async def body(tx: Tx) -> int:
        await tx.run(ADD, id=id)
        return id

    return body


async def write(database: Path, first: int, synchronous: str) -> None:
    """Go on until the end of the process."""
    store = SqliteStore(database, stream="n", salt=lambda: b"s" * 16)
    store._db.execute(f"PRAGMA synchronous={synchronous}")
    numbers = count(first)

    async def one() -> None:
        while True:
            id = await store.write(adding(next(numbers)))
            os.write(1, b"%d\n" % id)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


def told() -> None:
    """The same, as the arguments say."""
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "FULL"))


if __name__ == "__main__":
    told()
