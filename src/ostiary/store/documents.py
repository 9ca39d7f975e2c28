"""
Tables whose rows are Graph documents: policies and named locations (id, document, created, modified).
"""

from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Table, bindparam, delete, insert, select, update

from ostiary.core.access.stored import Stored
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.sql import sql

Id = TypeVar("Id", bound=str)

_NAMES = ("id", "document", "created", "modified")


class Documents(Generic[Id]):
    """The rows of one such table; its statements are compiled once, at import."""

    def __init__(self, table: Table) -> None:
        """Compile them for *table*."""
        c, same = table.c, table.c.document == bindparam("old")
        shown = select(*(c[name] for name in _NAMES))
        self._add = sql(insert(table).values({name: bindparam(name) for name in _NAMES}))
        self._find = sql(shown.where(c.id == bindparam("id")))
        self._all = sql(shown.order_by(c.created, c.id))
        self._change = sql(
            update(table)
            .where(c.id == bindparam("id_"), same)
            .values(document=bindparam("new"), modified=bindparam("now"))
        )
        self._drop = sql(delete(table).where(c.id == bindparam("id"), same))

    async def everything(self, tx: Tx) -> list[Stored[Id]]:
        """All of them, the oldest first."""
        return [_stored(row) for row in await tx.all(self._all)]

    async def find(self, tx: Tx, id: Id) -> Stored[Id] | None:
        """The one with that id."""
        row = await tx.one(self._find, id=id)
        return None if row is None else _stored(row)

    async def add(self, tx: Tx, id: Id, document: dict[str, Any], *, now: Instant) -> Stored[Id]:
        """A new one, as it stands there now."""
        new = Stored(id, document, now, now, text(document))
        await tx.run(self._add, id=id, document=new.text, created=now, modified=now)
        return new

    async def change(self, tx: Tx, old: Stored[Id], document: dict[str, Any], *, now: Instant) -> Stored[Id] | None:
        """Compare-and-swap: as it stands there now; None when it is not *old* any more."""
        new = Stored(old.id, document, old.created, now, text(document))
        changed = await tx.run(self._change, id_=old.id, old=old.text, new=new.text, now=now)
        return new if changed == 1 else None

    async def drop(self, tx: Tx, old: Stored[Id]) -> bool:
        """Delete it; False when it is not *old* any more."""
        return await tx.run(self._drop, id=old.id, old=old.text) == 1


def _stored(row: Row) -> Stored[Any]:
    return Stored(row[0], orjson.loads(row[1]), Instant(row[2]), Instant(row[3]), row[1])


def text(document: dict[str, Any]) -> str:
    """*document* as it stands in a row."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
