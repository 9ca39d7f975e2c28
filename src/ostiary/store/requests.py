"""
Requests for exemptions as rows, with the decisions on them. What time does to one is derived (`core/exemptions`).

The kill switch ends what waits: as for exemptions, that is read from its row, and nothing walks over requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, case, func, insert, not_, or_, select, text, tuple_, update

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Act, Decision, Phase, Request, Ticket
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.exemptions import ALL as EXEMPTION_COLUMNS
from ostiary.store.exemptions import KILLED, NOT_ENDED, exemption_of, limits_read, limits_written
from ostiary.store.place import Place
from ostiary.store.schema import exemption_decisions, exemption_requests, exemptions, users
from ostiary.store.schema_exemptions import OPEN
from ostiary.store.sql import Sql, sql

__all__ = [
    "CONDITIONS",
    "SHOWN",
    "Asked",
    "Which",
    "add",
    "decide",
    "end_all_of",
    "find",
    "lapsed",
    "move",
    "page",
    "show",
    "shown",
    "waiting",
]

_NAMES = tuple(column.name for column in exemption_requests.c)
_IS_KILLED = and_(
    exemption_requests.c.phase == Phase.OPEN.value,
    exemption_requests.c.created <= KILLED,
    exemption_requests.c.ends > KILLED,
)
_DERIVED: dict[str, Any] = {
    "phase": case((_IS_KILLED, Phase.KILLED.value), else_=exemption_requests.c.phase),
    "decided": case((_IS_KILLED, KILLED), else_=exemption_requests.c.decided),
}
_ALL = [_DERIVED.get(name, exemption_requests.c[name]) for name in _NAMES]
_opens = func.coalesce(exemption_requests.c.target, exemption_requests.c.id)
SHOWN = (
    select(*_ALL, users.c.principal_name, users.c.display_name, *EXEMPTION_COLUMNS)
    .join_from(exemption_requests, users, users.c.id == exemption_requests.c.user)
    .outerjoin(exemptions, exemptions.c.id == _opens)
)
"""What `shown` reads."""

_ADD = sql(insert(exemption_requests).values({name: bindparam(name) for name in _NAMES}))
_FIND = sql(select(*_ALL).where(exemption_requests.c.id == bindparam("id")))
_SHOW = sql(SHOWN.where(exemption_requests.c.id == bindparam("id")))
_DECISIONS = sql(
    select(*exemption_decisions.c)
    .where(exemption_decisions.c.request == bindparam("request"))
    .order_by(exemption_decisions.c.at, exemption_decisions.c.by)
)
_AT_ONCE = 64  # requests whose decisions one statement reads
_DECISIONS_OF = sql(
    select(*exemption_decisions.c)
    .where(exemption_decisions.c.request.in_([bindparam(f"id{n}") for n in range(_AT_ONCE)]))
    .order_by(exemption_decisions.c.at, exemption_decisions.c.by)
)
_DECIDE = sql(insert(exemption_decisions).values({c.name: bindparam(c.name) for c in exemption_decisions.c}))
_MOVED = ("phase", "decided", "decided_by", "auto", "review", "reviewed", "reviewed_by")
_MOVE = sql(
    update(exemption_requests)
    .where(exemption_requests.c.id == bindparam("id_"), exemption_requests.c.number == bindparam("old"))
    .values({name: bindparam(name + "_") for name in _MOVED} | {"number": exemption_requests.c.number + 1})
)
_WAITING = sql(
    select(func.count()).where(
        exemption_requests.c.user == bindparam("user"), OPEN, exemption_requests.c.created > KILLED,
        exemption_requests.c.ends > bindparam("now"),
    )
)  # fmt: skip
_END_ALL = sql(
    update(exemption_requests)
    .where(exemption_requests.c.user == bindparam("user_"), OPEN, exemption_requests.c.ends > bindparam("now"))
    .values(
        phase=bindparam("phase_"), decided=bindparam("now"), decided_by=bindparam("by_"),
        number=exemption_requests.c.number + 1,
    )
    .returning(exemption_requests.c.id)
)  # fmt: skip
_LAPSED = sql(
    select(*_ALL)
    .where(OPEN, exemption_requests.c.ends > bindparam("after"), exemption_requests.c.ends <= bindparam("until"))
    .order_by(exemption_requests.c.ends, exemption_requests.c.id)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with whose it is and the exemption that it gives or makes longer."""

    request: Request
    exemption: Exemption | None
    principal_name: str
    display_name: str


def _request(row: Row, decisions: tuple[Decision, ...] = ()) -> Request:
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    ticket = values["ticket"]
    values |= {
        "act": Act(values["act"]),
        "phase": Phase(values["phase"]),
        "limits": limits_read(values["limits"]),
        "ticket": Ticket(**orjson.loads(ticket)) if ticket is not None else None,
        "break_glass": bool(values["break_glass"]),
        "decisions": decisions,
    }
    return Request(**values)


def _decision(row: Row) -> Decision:
    _, by, name, stage, approved, reason, at, length, methods = row
    return Decision(UserId(by), name, stage, bool(approved), reason, Instant(at), length, tuple(methods.split()))


async def _decisions(tx: Tx, id: str) -> tuple[Decision, ...]:
    return tuple(_decision(row) for row in await tx.all(_DECISIONS, request=id))


async def add(tx: Tx, request: Request) -> None:
    """A new one, without decisions."""
    values = {name: getattr(request, name) for name in _NAMES}
    ticket = request.ticket
    values |= {
        "act": request.act.value,
        "phase": request.phase.value,
        "limits": limits_written(request.limits),
        "ticket": None if ticket is None else orjson.dumps(ticket, option=orjson.OPT_SORT_KEYS).decode(),
        "break_glass": int(request.break_glass),
    }
    await tx.run(_ADD, **values)


async def find(tx: Tx, id: ExemptionId) -> Request | None:
    """The request *id* with its decisions."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _request(row, await _decisions(tx, id))


async def show(tx: Tx, id: ExemptionId) -> Asked | None:
    """The same with its person and exemption."""
    row = await tx.one(_SHOW, id=id)
    return None if row is None else _asked(row, await _decisions(tx, id))


async def shown(tx: Tx, rows: list[Row]) -> list[Asked]:
    """Rows of `SHOWN`, with the decisions on all of them."""
    decisions: dict[str, list[Decision]] = {}
    ids = [str(row[0]) for row in rows]
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        part += [""] * (_AT_ONCE - len(part))
        for row in await tx.all(_DECISIONS_OF, **{f"id{n}": id for n, id in enumerate(part)}):
            decisions.setdefault(row[0], []).append(_decision(row))
    return [_asked(row, tuple(decisions.get(row[0], ()))) for row in rows]


def _asked(row: Row, decisions: tuple[Decision, ...]) -> Asked:
    own = len(_NAMES)
    window = row[own + 2 :]
    return Asked(
        _request(row[:own], decisions), exemption_of(window) if window[0] is not None else None, row[own], row[own + 1]
    )


async def move(tx: Tx, old: Request, new: Request) -> bool:
    """Compare-and-swap what can change; False when somebody else changed it since *old* was read."""
    values = {f"{name}_": getattr(new, name) for name in _MOVED} | {"phase_": new.phase.value}
    return await tx.run(_MOVE, id_=old.id, old=old.number, **values) == 1


async def decide(tx: Tx, id: ExemptionId, decision: Decision) -> None:
    """One more decision. The caller moves the request in the same transaction."""
    await tx.run(
        _DECIDE, request=id, by=decision.by, name=decision.name, stage=decision.stage, approved=int(decision.approved),
        reason=decision.reason, at=decision.at, length=decision.length, methods=" ".join(decision.methods),
    )  # fmt: skip


async def waiting(tx: Tx, user: UserId, now: Instant) -> int:
    """How many requests for *user* wait for a decision."""
    row = await tx.one(_WAITING, user=user, now=now)
    return int(row[0]) if row else 0


async def end_all_of(tx: Tx, user: UserId, *, now: Instant, by: str) -> list[ExemptionId]:
    """Kill every request for *user* that waits; their ids, in order."""
    rows = await tx.all(_END_ALL, user_=user, now=now, by_=by, phase_=Phase.KILLED.value)
    return sorted(ExemptionId(row[0]) for row in rows)


async def lapsed(tx: Tx, *, after: Instant, until: Instant) -> list[Request]:
    """Requests that nobody decided, whose end lies in (after, until]; those that the kill switch ended are none."""
    found = [_request(row) for row in await tx.all(_LAPSED, after=after, until=until)]
    return [request for request in found if request.phase is Phase.OPEN]


# ---- lists


class Which(StrEnum):
    """Which requests a list shows."""

    ALL = "all"
    WAITING = "waiting"
    """For a decision."""
    ACTIVE = "active"
    OVER = "over"
    """Approved, and the exemption has ended."""
    OWED = "owed"
    """Break-glass without its review."""


CONDITIONS: Mapping[Which, tuple[ColumnElement[bool], ...]] = {
    Which.ALL: (),
    Which.WAITING: (OPEN, exemption_requests.c.ends > bindparam("now"), exemption_requests.c.created > KILLED),  # type: ignore[dict-item]
    Which.ACTIVE: (
        exemption_requests.c.phase == Phase.APPROVED.value,
        NOT_ENDED,
        exemptions.c.waits.is_(None),
        exemptions.c.starts <= bindparam("now"),
        exemptions.c.ends > bindparam("now"),
    ),
    Which.OVER: (
        exemption_requests.c.phase == Phase.APPROVED.value,
        or_(not_(NOT_ENDED), exemptions.c.ends <= bindparam("now")),
    ),
    Which.OWED: (text("exemption_requests.break_glass = 1 AND exemption_requests.review = ''"),),  # type: ignore[dict-item]
}


def _list(which: Which, *, of_one: bool) -> Sql:
    whose = (exemption_requests.c.user == bindparam("user"),) if of_one else ()
    place = tuple_(exemption_requests.c.created, exemption_requests.c.id) < tuple_(
        bindparam("created"), bindparam("id")
    )
    return sql(
        SHOWN.where(*whose, *CONDITIONS[which], place)
        .order_by(exemption_requests.c.created.desc(), exemption_requests.c.id.desc())
        .limit(bindparam("most"))
    )


LISTS = {(which, of_one): _list(which, of_one=of_one) for which in Which for of_one in (False, True)}


async def page(tx: Tx, *, user: UserId | None, which: Which, now: Instant, after: Place, most: int) -> list[Asked]:
    """Up to *most* requests after *after*, the newest first, with their decisions."""
    given: dict[str, object] = {"created": after.moment, "id": after.id, "most": most}
    if user is not None:
        given["user"] = user
    if which in (Which.WAITING, Which.ACTIVE, Which.OVER):
        given["now"] = now
    return await shown(tx, await tx.all(LISTS[which, user is not None], **given))
