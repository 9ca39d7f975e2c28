"""
Named locations as rows: the Graph document is the stored form.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import named_locations
from ostiary.store.sql import sql

_COLUMNS = tuple(named_locations.c)
_ADD = sql(insert(named_locations).values({c.name: bindparam(c.name) for c in _COLUMNS}))
_FIND = sql(select(*_COLUMNS).where(named_locations.c.id == bindparam("id")))
_ALL = sql(select(*_COLUMNS).order_by(named_locations.c.created, named_locations.c.id))
_CHANGE = sql(
    update(named_locations)
    .where(named_locations.c.id == bindparam("id_"), named_locations.c.document == bindparam("old"))
    .values(document=bindparam("new"), modified=bindparam("now"))
)
_DROP = sql(
    delete(named_locations).where(
        named_locations.c.id == bindparam("id"), named_locations.c.document == bindparam("old")
    )
)


@dataclass(frozen=True, slots=True)
class StoredLocation:
    """One location as it was saved."""

    id: str
    document: dict[str, Any]
    """Graph's, without what has a column of its own (id and dates)."""
    created: Instant
    modified: Instant
    text: str = ""
    """The document as it stands in the row: what a change compares."""


def _location(row: Row) -> StoredLocation:
    return StoredLocation(row[0], orjson.loads(row[1]), Instant(row[2]), Instant(row[3]), row[1])


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


async def everything(tx: Tx) -> list[StoredLocation]:
    """All of them, the oldest first."""
    return [_location(row) for row in await tx.all(_ALL)]


async def find(tx: Tx, id: str) -> StoredLocation | None:
    """The one with that id."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _location(row)


async def add(tx: Tx, new: StoredLocation) -> None:
    """A new one."""
    await tx.run(_ADD, id=new.id, document=_text(new.document), created=new.created, modified=new.modified)


async def change(tx: Tx, old: StoredLocation, document: dict[str, Any], *, now: Instant) -> bool:
    """Compare-and-swap: False when it is not *old* any more."""
    return await tx.run(_CHANGE, id_=old.id, old=old.text, new=_text(document), now=now) == 1


async def drop(tx: Tx, old: StoredLocation) -> bool:
    """Delete it; False when it is not *old* any more."""
    return await tx.run(_DROP, id=old.id, old=old.text) == 1
