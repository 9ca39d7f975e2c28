"""
Rows of many keys, by one statement for each `PIECE` of them: a page costs a few statements, however long it is.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam

from ostiary.store import Row, Tx
from ostiary.store.sql import Sql, sql

__all__ = ["PIECE", "keyed", "rows_of"]

PIECE = 256  # keys of one statement


def keyed(rows: Select[Any]) -> Callable[[int], Sql]:
    """*rows*, whose first column is a key, of so many keys: ``k0``, ``k1`` and so on."""
    key = rows.selected_columns[0]

    @lru_cache(maxsize=16)
    def of(number: int) -> Sql:
        return sql(rows.where(key.in_([bindparam(f"k{place}") for place in range(number)])))

    return of


async def rows_of(tx: Tx, statement: Callable[[int], Sql], keys: Iterable[str]) -> dict[str, Row]:
    """The rows that there are of *keys*, each by its key; *statement* is of `keyed`."""
    wanted, found = sorted(keys), list[Row]()
    for piece in (wanted[place : place + PIECE] for place in range(0, len(wanted), PIECE)):
        size = 1 << (len(piece) - 1).bit_length()  # few statements: what is left over names a key again
        filled = piece + piece[-1:] * (size - len(piece))
        found += await tx.all(statement(size), **{f"k{place}": key for place, key in enumerate(filled)})
    return {row[0]: row for row in found}
