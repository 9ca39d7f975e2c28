"""
What readers of the journal show: the stories of sign-ins (their pages: `sign_in_pages.py`), the directory audits and
findings. A list follows an index in the order in which it is shown, a page at a time; nothing is scanned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Table, and_, bindparam, func, insert, literal_column, or_, select, tuple_, update

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.story import Story, from_document, to_document
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.keyed import keyed, rows_of
from ostiary.store.logs import ENTRIES, recorded
from ostiary.store.schema import cursors, exemptions, findings, journal, sessions, stories, users
from ostiary.store.schema_logs import AUDITED
from ostiary.store.sql import Sql, sql

_HEAD = sql(
    select(
        select(func.max(journal.c.position)).scalar_subquery(),
        select(cursors.c.position).where(cursors.c.reader == bindparam("reader")).scalar_subquery(),
        select(func.min(stories.c.waits)).where(stories.c.waits.is_not(None)).scalar_subquery(),
    )
)
_KEPT = (
    "started", "changed", "outcome", "user", "client", "exemption", "requester", "approver", "protocol", "story",
    "error", "waits", "access", "resource",
)  # fmt: skip
_LOAD = sql(select(*(stories.c[name] for name in _KEPT)).where(stories.c.id == bindparam("id")))
_ADD = sql(insert(stories).values({name: bindparam(name) for name in ("id", *_KEPT)}))
_OVERDUE = sql(
    select(*(stories.c[name] for name in _KEPT))
    .where(stories.c.waits.is_not(None), stories.c.waits <= bindparam("now"))
    .order_by(stories.c.waits)
    .limit(bindparam("most"))
)


class Behind(NamedTuple):
    """How far a reader of the journal has come."""

    head: int
    """The journal's last position."""
    cursor: int
    overdue: Instant | None
    """When the first pending story stops waiting."""


class Columns(NamedTuple):
    """What of a telling stands in columns of its own, to be asked by."""

    outcome: str
    user: str | None
    client: str | None
    exemption: str | None
    requester: str | None
    approver: str | None
    protocol: str
    error: int
    waits: Instant | None
    access: str
    resource: str | None


async def behind(tx: Tx, reader: str) -> Behind:
    """Where *reader* stands, without moving it."""
    row = await tx.one(_HEAD, reader=reader)
    head, cursor, overdue = row or (None, None, None)
    return Behind(head or 0, cursor or 0, None if overdue is None else Instant(overdue))


class Kept(NamedTuple):
    """A story as it is stored: its row says which columns a change must touch."""

    story: Story
    row: Row


def _kept(row: Row) -> Kept:
    return Kept(from_document(orjson.loads(row[_KEPT.index("story")])), row)


async def load(tx: Tx, id: str) -> Kept | None:
    """The story with that id."""
    row = await tx.one(_LOAD, id=id)
    return None if row is None else _kept(row)


async def save(tx: Tx, kept: Kept | None, story: Story, columns: Columns) -> None:
    """Write *story*, new or in the place of *kept*, with the columns derived from it."""
    values = {
        **columns._asdict(), "started": story.started, "changed": story.changed,
        "story": orjson.dumps(to_document(story)).decode(),
    }  # fmt: skip
    if kept is None:
        await tx.run(_ADD, id=story.id, **values)
        return
    before = zip(_KEPT, kept.row, strict=True)
    changed = {name: values[name] for name, old in before if values[name] != old}
    if changed:
        await tx.run(_change(tuple(changed)), id_=story.id, **{f"{name}_": value for name, value in changed.items()})


@lru_cache(maxsize=256)
def _change(names: tuple[str, ...]) -> Sql:
    """The update of these columns alone: one that is named moves its index, whether its value is another or not."""
    return sql(
        update(stories).where(stories.c.id == bindparam("id_")).values({name: bindparam(f"{name}_") for name in names})
    )


async def overdue(tx: Tx, now: Instant, most: int) -> list[Kept]:
    """Pending stories that nothing can come of any more."""
    return [_kept(row) for row in await tx.all(_OVERDUE, now=now, most=most)]


# ---- lists


class Where(NamedTuple):
    """One condition; all of a list's must hold. A column that may be null is compared as not equal when it is."""

    column: str
    op: str
    """eq ne gt ge lt le."""
    value: str | int | None


class Place(NamedTuple):
    """Where a page ends: its last entry's time and position, or its last finding's time and id."""

    at: int
    id: int | str


def _operators(column: ColumnElement[Any], op: str, value: ColumnElement[Any]) -> ColumnElement[bool]:
    match op:
        case "eq":
            return column == value
        case "ne":
            return or_(column != value, column.is_(None))
        case "gt":
            return column > value
        case "ge":
            return column >= value
        case "lt":
            return column < value
        case "le":
            return column <= value
    raise ValueError(f"no such comparison: {op}")


@dataclass(frozen=True, slots=True)
class _List:
    """One table that is shown by time."""

    table: Table
    at: str
    id: str
    shown: tuple[str, ...]
    always: tuple[ColumnElement[bool], ...] = ()

    def conditions(self, asked: tuple[tuple[str, str, bool], ...]) -> list[ColumnElement[bool]]:
        """The rows that are asked for; parameters ``v0``, ``v1``, …"""
        found: list[ColumnElement[bool]] = list(self.always)
        for number, (name, op, null) in enumerate(asked):
            column = self.table.c[name]
            if null:
                found.append(column.is_(None) if op == "eq" else column.is_not(None))
            else:
                found.append(_operators(column, op, bindparam(f"v{number}")))
        return found


_RECORDED = tuple(ENTRIES.selected_columns.keys())
# The words of the partial index itself: only then is it used.
_AUDITS = _List(journal, "at", "position", _RECORDED, (literal_column(AUDITED.text, type_=None),))
FINDING = tuple(column.name for column in findings.columns)
"""What `finding_rows` gives."""
_LISTS = {"audits": _AUDITS, "findings": _List(findings, "at", "id", FINDING)}
_ENDLESS = 2**63 - 1


@lru_cache(maxsize=256)
def page_sql(name: str, asked: tuple[tuple[str, str, bool], ...], *, rising: bool) -> Sql:
    """The statement of one sort of page; *asked* are column, comparison, and whether with null."""
    shown = _LISTS[name]
    at, id = shown.table.c[shown.at], shown.table.c[shown.id]
    last = tuple_(bindparam("last_at"), bindparam("last_id"))
    beyond = tuple_(at, id) > last if rising else tuple_(at, id) < last
    order = (at.asc(), id.asc()) if rising else (at.desc(), id.desc())
    columns = [shown.table.c[column] for column in shown.shown]
    return sql(select(*columns).where(and_(*shown.conditions(asked), beyond)).order_by(*order).limit(bindparam("most")))


@lru_cache(maxsize=256)
def count_sql(name: str, asked: tuple[tuple[str, str, bool], ...]) -> Sql:
    """How many rows match."""
    shown = _LISTS[name]
    return sql(select(func.count()).select_from(shown.table).where(*shown.conditions(asked)))


def _asked(wheres: Iterable[Where]) -> tuple[tuple[str, str, bool], ...]:
    return tuple((where.column, where.op, where.value is None) for where in wheres)


async def _page(tx: Tx, name: str, wheres: Sequence[Where], after: Place | None, most: int, rising: bool) -> list[Row]:
    ends: tuple[int | str, int | str] = (-1, _ENDLESS) if name == "audits" else ("", "~")
    last = after or (Place(-1, ends[0]) if rising else Place(_ENDLESS, ends[1]))
    values = {f"v{number}": where.value for number, where in enumerate(wheres) if where.value is not None}
    statement = page_sql(name, _asked(wheres), rising=rising)
    return await tx.all(statement, last_at=last.at, last_id=last.id, most=most, **values)


async def count(tx: Tx, name: str, wheres: Sequence[Where]) -> int:
    """How many rows of the list *name* (``audits`` or ``findings``) match."""
    values = {f"v{number}": where.value for number, where in enumerate(wheres) if where.value is not None}
    row = await tx.one(count_sql(name, _asked(wheres)), **values)
    return int(row[0]) if row else 0


async def audit_page(
    tx: Tx, wheres: Sequence[Where], *, after: Place | None, most: int, rising: bool = False
) -> list[Recorded]:
    """Up to *most* entries that are no sign-ins beyond *after*, by their time."""
    return [recorded(row) for row in await _page(tx, "audits", wheres, after, most, rising)]


async def finding_rows(
    tx: Tx, wheres: Sequence[Where], *, after: Place | None, most: int, rising: bool = False
) -> list[Row]:
    """Up to *most* rows of findings beyond *after*, by their time; `store/detections.py` reads them."""
    return await _page(tx, "findings", wheres, after, most, rising)


_ENTRY = sql(ENTRIES.where(journal.c.stream == bindparam("stream"), journal.c.number == bindparam("number")))


async def entry(tx: Tx, stream: str, number: int) -> Recorded | None:
    """The entry at that place of that stream."""
    row = await tx.one(_ENTRY, stream=stream, number=number)
    return None if row is None else recorded(row)


# ---- what only other tables know of a story


class Life(NamedTuple):
    """What became of a session besides what its entries say: ends of session, exemption and account (R8)."""

    idle_ends: Instant
    ends: Instant
    ended: Instant | None
    end_cause: str | None
    exemption_ends: Instant | None
    exemption_ended: Instant | None
    exemption_cause: str | None
    created: Instant
    epoch: Instant | None
    """The account's: earlier sessions are over. None when the account is gone."""
    enabled: bool


_LIVES = keyed(
    select(
        sessions.c.id, sessions.c.idle_ends, sessions.c.ends, sessions.c.ended, sessions.c.end_cause, exemptions.c.ends,
        exemptions.c.ended, exemptions.c.end_cause, sessions.c.created, users.c.epoch, users.c.enabled,
    )
    .select_from(
        sessions.outerjoin(exemptions, exemptions.c.id == sessions.c.exemption).outerjoin(
            users, users.c.id == sessions.c.user
        )
    )
)  # fmt: skip
_NAMES = keyed(select(users.c.id, users.c.principal_name, users.c.display_name))


async def lives(tx: Tx, ids: Iterable[str]) -> dict[str, Life]:
    """What became of the sessions *ids*, of those whose rows are not gone."""
    found = await rows_of(tx, _LIVES, ids)
    return {id: Life._make((*row, bool(enabled))) for id, *row, enabled in found.values()}


_BEGINNING = sql(
    select(users.c.id)
    .where(users.c.principal_name >= bindparam("low"), users.c.principal_name < bindparam("high"))
    .limit(bindparam("most"))
)


async def beginning(tx: Tx, text: str, most: int) -> list[str]:
    """Up to *most* ids of people whose principal name begins with *text*."""
    return [row[0] for row in await tx.all(_BEGINNING, low=text, high=text + "\U0010ffff", most=most)]


async def names(tx: Tx, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Principal name and display name of the people *ids*, of those that there are."""
    return {id: (name, shown) for id, name, shown in (await rows_of(tx, _NAMES, ids)).values()}
