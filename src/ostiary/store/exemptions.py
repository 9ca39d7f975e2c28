"""
Exemptions as rows: opened, ended by one compare-and-swap, listed by their end. Active is never stored, it is derived.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, case, func, insert, not_, or_, select, tuple_, update

from ostiary.core.exemptions.exemption import EndCause, Exemption, Limits, limits_document, limits_from
from ostiary.core.exemptions.hours import hours_document, hours_from
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.kill_switch import NAME as KILL_SWITCH
from ostiary.store.place import Place
from ostiary.store.schema import exemption_requests, exemptions, kill_switch, users
from ostiary.store.sql import Sql, sql

_COLUMNS = (
    "id", "user", "group", "reason", "limits", "break_glass", "opened_by", "opened", "starts", "ends", "ended",
    "end_cause", "ended_by", "waits", "hours", "latest", "used",
)  # fmt: skip
_ADDED = tuple(name for name in _COLUMNS if name not in ("ended", "end_cause", "ended_by", "used"))
KILLED = func.coalesce(select(kill_switch.c.killed).where(kill_switch.c.name == KILL_SWITCH).scalar_subquery(), -1)
"""When the kill switch was turned last; before all time while it never was."""
NOT_ENDED = and_(exemptions.c.ended.is_(None), exemptions.c.opened > KILLED)
"""Nobody ended it, and it was opened after the kill switch was turned last: a write of the switch, none of theirs."""
_IS_KILLED = and_(exemptions.c.ended.is_(None), exemptions.c.opened <= KILLED, exemptions.c.ends > KILLED)
_DERIVED: dict[str, Any] = {
    "ended": case((_IS_KILLED, KILLED), else_=exemptions.c.ended),
    "end_cause": case((_IS_KILLED, EndCause.KILLED.value), else_=exemptions.c.end_cause),
}
ALL = [_DERIVED.get(name, exemptions.c[name]) for name in _COLUMNS]

_ADD = sql(insert(exemptions).values({name: bindparam(name) for name in _ADDED}))
_OF = sql(select(*ALL).where(exemptions.c.user == bindparam("user"), exemptions.c.ends > bindparam("after")))
_STANDS = (NOT_ENDED, exemptions.c.ends > bindparam("now"))
_FIND = sql(select(*ALL).where(exemptions.c.id == bindparam("id")))
_LAST_END = sql(
    select(func.max(case((exemptions.c.ended < exemptions.c.ends, exemptions.c.ended), else_=exemptions.c.ends))).where(
        exemptions.c.user == bindparam("user"), not_(and_(*_STANDS)), exemptions.c.waits.is_(None)
    )
)
_USE = sql(
    update(exemptions)
    .where(
        exemptions.c.id == bindparam("id_"),
        *_STANDS,
        exemptions.c.used == bindparam("old_used"),
        exemptions.c.ends == bindparam("old_ends"),
    )
    .values(starts=bindparam("starts"), ends=bindparam("ends"), waits=bindparam("waits_"), used=exemptions.c.used + 1)
)
_STRETCH = sql(
    update(exemptions)
    .where(exemptions.c.id == bindparam("id_"), *_STANDS, exemptions.c.ends == bindparam("old_ends"))
    .values(ends=bindparam("ends"))
)
_ENDED: dict[str, Any] = {"ended": bindparam("now"), "end_cause": bindparam("cause"), "ended_by": bindparam("by")}
_END = sql(update(exemptions).where(exemptions.c.id == bindparam("id_"), *_STANDS).values(_ENDED))
_END_ALL = sql(
    update(exemptions)
    .where(exemptions.c.user == bindparam("user_"), *_STANDS)
    .values(_ENDED)
    .returning(exemptions.c.id)
)
_PERSON_COLUMNS = (users.c.id, users.c.principal_name, users.c.display_name, users.c.enabled)
_PERSON_BY_ID = sql(select(*_PERSON_COLUMNS).where(users.c.id == bindparam("id")))
_PERSON_BY_NAME = sql(select(*_PERSON_COLUMNS).where(users.c.principal_name == bindparam("name")))
_RAN_OUT = sql(
    select(*ALL)
    .where(exemptions.c.ends > bindparam("after"), exemptions.c.ends <= bindparam("until"))
    .order_by(exemptions.c.ends, exemptions.c.id)
)


class Person(NamedTuple):
    """What opening a window needs to know of an account."""

    id: UserId
    principal_name: str
    display_name: str
    enabled: bool


def exemption_of(row: Row) -> Exemption:
    """The columns `ALL` as a value."""
    id, user, group, reason, limits, break_glass, opened_by, opened, starts, ends, ended, cause, ended_by = row[:13]
    waits, hours, latest, used = row[13:]
    return Exemption(
        id, user, group, reason, starts, ends, opened, opened_by, limits_read(limits), bool(break_glass),
        ended, EndCause(cause) if cause is not None else None, ended_by,
        waits, hours_from(orjson.loads(hours)) if hours is not None else None, latest, used,
    )  # fmt: skip


def limits_written(limits: Limits) -> str:
    """Limits as a column holds them."""
    return orjson.dumps(limits_document(limits), option=orjson.OPT_SORT_KEYS).decode()


def limits_read(text: str) -> Limits:
    """The same, read."""
    return limits_from(orjson.loads(text))


async def add(tx: Tx, exemption: Exemption) -> None:
    """Write a new window."""
    await tx.run(
        _ADD, id=exemption.id, user=exemption.user, group=exemption.group, reason=exemption.reason,
        limits=limits_written(exemption.limits), break_glass=int(exemption.break_glass),
        opened_by=exemption.opened_by, opened=exemption.opened, starts=exemption.starts, ends=exemption.ends,
        waits=exemption.waits, latest=exemption.latest,
        hours=None if exemption.hours is None else orjson.dumps(hours_document(exemption.hours)).decode(),
    )  # fmt: skip


async def find(tx: Tx, id: ExemptionId) -> Exemption | None:
    """The window with that id."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else exemption_of(row)


async def use(tx: Tx, old: Exemption, begun: Exemption, *, now: Instant) -> bool:
    """
    One more sign-in uses it: *begun* is *old* with its clock running. False when it ended, was used or was moved
    meanwhile.
    """
    return (
        await tx.run(
            _USE, id_=old.id, now=now, old_used=old.used, old_ends=old.ends, starts=begun.starts,
            ends=begun.ends, waits_=None,
        )
        == 1
    )  # fmt: skip


async def stretch(tx: Tx, old: Exemption, ends: Instant, *, now: Instant) -> bool:
    """Give it another end, later than the one it has; False when it ended or was moved meanwhile."""
    return await tx.run(_STRETCH, id_=old.id, now=now, old_ends=old.ends, ends=ends) == 1


async def last_end(tx: Tx, user: UserId, now: Instant) -> Instant | None:
    """When an exemption of *user* that ran ended last."""
    row = await tx.one(_LAST_END, user=user, now=now)
    return None if row is None or row[0] is None else Instant(row[0])


async def standing(tx: Tx, user: UserId, now: Instant) -> list[Exemption]:
    """Every window of *user* that has not passed and was not ended; it may still lie ahead."""
    return [e for e in map(exemption_of, await tx.all(_OF, user=user, after=now)) if e.ended is None]


async def end(tx: Tx, id: ExemptionId, *, now: Instant, cause: EndCause, by: str) -> bool:
    """Compare-and-swap: False when it had ended already, by a person or by itself."""
    return await tx.run(_END, id_=id, now=now, cause=cause.value, by=by) == 1


async def end_all_of(tx: Tx, user: UserId, *, now: Instant, cause: EndCause, by: str) -> list[ExemptionId]:
    """End every window of *user* that stands; their ids, in order."""
    rows = await tx.all(_END_ALL, user_=user, now=now, cause=cause.value, by=by)
    return sorted(ExemptionId(row[0]) for row in rows)


async def person(tx: Tx, principal: str) -> Person | None:
    """The account with that id, else with that principal name."""
    wanted = principal.strip().lower()
    row = await tx.one(_PERSON_BY_ID, id=wanted) or await tx.one(_PERSON_BY_NAME, name=wanted)
    return None if row is None else Person(UserId(row[0]), row[1], row[2], bool(row[3]))


class Window(StrEnum):
    """Which windows a list shows."""

    ALL = "all"
    ACTIVE = "active"
    AHEAD = "ahead"
    """Not begun yet."""
    STANDING = "standing"
    """Active or not begun yet."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Shown:
    """A window together with whose it is."""

    exemption: Exemption
    principal_name: str
    display_name: str
    act: str | None = None
    """How it was asked for, in Graph's words; None where nobody knows any more."""
    asked: Instant | None = None
    """When; None likewise."""


_AHEAD_OF_NOW = exemptions.c.ends > bindparam("now")
_CONDITIONS: Mapping[Window, tuple[ColumnElement[bool], ...]] = {
    Window.ALL: (),
    Window.ACTIVE: (NOT_ENDED, _AHEAD_OF_NOW, exemptions.c.starts <= bindparam("now")),
    Window.AHEAD: (NOT_ENDED, _AHEAD_OF_NOW, exemptions.c.starts > bindparam("now")),
    Window.STANDING: (NOT_ENDED, _AHEAD_OF_NOW),
    Window.OVER: (or_(not_(NOT_ENDED), exemptions.c.ends <= bindparam("now")),),
}


_ASKED = (exemption_requests.c.act, exemption_requests.c.created)


def _list(window: Window, *, of_one: bool) -> Sql:
    whose = (exemptions.c.user == bindparam("user"),) if of_one else ()
    place = tuple_(exemptions.c.ends, exemptions.c.id) < tuple_(bindparam("ends"), bindparam("id"))
    statement = (
        select(*ALL, users.c.principal_name, users.c.display_name, *_ASKED)
        .join_from(exemptions, users, users.c.id == exemptions.c.user)
        .outerjoin(exemption_requests, exemption_requests.c.id == exemptions.c.id)
        .where(*whose, *_CONDITIONS[window], place)
        .order_by(exemptions.c.ends.desc(), exemptions.c.id.desc())
        .limit(bindparam("most"))
    )
    return sql(statement)


LISTS = {(window, of_one): _list(window, of_one=of_one) for window in Window for of_one in (False, True)}
_SHOW = sql(
    select(*ALL, users.c.principal_name, users.c.display_name, *_ASKED)
    .join_from(exemptions, users, users.c.id == exemptions.c.user)
    .outerjoin(exemption_requests, exemption_requests.c.id == exemptions.c.id)
    .where(exemptions.c.id == bindparam("id"))
)
_CUT = sql(
    select(exemptions.c.ends)
    .where(exemptions.c.ends > bindparam("after"), exemptions.c.ends <= bindparam("until"))
    .order_by(exemptions.c.ends)
    .limit(1)
    .offset(bindparam("most"))
)


def _shown(row: Row) -> Shown:
    return Shown(exemption_of(row[:-4]), *row[-4:])


async def show(tx: Tx, id: ExemptionId) -> Shown | None:
    """The window with that id, and whose it is."""
    row = await tx.one(_SHOW, id=id)
    return None if row is None else _shown(row)


async def page(tx: Tx, *, user: UserId | None, window: Window, now: Instant, after: Place, most: int) -> list[Shown]:
    """Up to *most* windows after *after*, the latest end first; of one person when *user* is given."""
    rows = await tx.all(LISTS[window, user is not None], user=user, now=now, ends=after.moment, id=after.id, most=most)
    return [_shown(row) for row in rows]


async def any_ran_out(tx: Tx, *, after: Instant, until: Instant) -> bool:
    """Whether the end of any window lies in (after, until]."""
    return await tx.one(_RAN_OUT, after=after, until=until) is not None


async def ran_out(tx: Tx, *, after: Instant, until: Instant, most: int) -> tuple[list[Exemption], Instant]:
    """
    Windows whose end lies in (after, until] and that nobody ended before, and how far was looked.

    At most *most* and a few: those that end in the same microsecond are never split between two runs.
    """
    cut = await tx.one(_CUT, after=after, until=until, most=most - 1)
    looked = Instant(until if cut is None else cut[0])
    rows = await tx.all(_RAN_OUT, after=after, until=looked)
    return [e for e in map(exemption_of, rows) if e.ended is None], looked
