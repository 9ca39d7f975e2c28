"""
Sessions that tokens open: device sign-ins and authorization codes. One row is the session and its family of refresh
tokens; only the family's head number is kept, never a token (R6).
"""

from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, case, func, insert, select, update

from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens.session import Grace, Session, SessionKind
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId, ExemptionId, SessionId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.access import user_of
from ostiary.store.devices import COLUMNS as DEVICE_COLUMNS
from ostiary.store.devices import device_of
from ostiary.store.exemptions import ALL as EXEMPTION_COLUMNS
from ostiary.store.exemptions import exemption_of
from ostiary.store.kill_switch import NAME as KILL_SWITCH
from ostiary.store.schema import devices, exemptions, kill_switch, sessions, users
from ostiary.store.sql import sql

Standing = tuple[Session, User | None, Exemption | None]
"""A session with its person and its exemption."""
KILLED = "killed"
"""`end_cause` of what the kill switch ended."""

_COLUMNS = tuple(field.name for field in fields(Session) if field.name != "device_now")
_killed = select(kill_switch.c.killed).where(kill_switch.c.name == KILL_SWITCH).scalar_subquery()
_is_killed = and_(
    sessions.c.ended.is_(None),
    sessions.c.origin.in_((Origin.DEVICE_CODE.value, Origin.WORKLOAD.value)),
    sessions.c.created <= func.coalesce(_killed, 0),
)
_DERIVED: dict[str, Any] = {
    "ended": case((_is_killed, _killed), else_=sessions.c.ended),
    "end_cause": case((_is_killed, KILLED), else_=sessions.c.end_cause),
}
"""The kill switch ended what device codes and workloads had been given, without a write to any session (R8)."""
_ALL = [_DERIVED.get(name, sessions.c[name]) for name in _COLUMNS]
_USER = (
    users.c.id, users.c.principal_name, users.c.display_name, users.c.mail, users.c.enabled, users.c.roles,
    users.c.created, users.c.epoch, users.c.vouched,
)  # fmt: skip
_ADDED = (*_COLUMNS[:-2], "seen")
_WITH_DEVICE = len(_COLUMNS) + len(DEVICE_COLUMNS)
_PLACE = _COLUMNS.index("requester_address")

_ADD = sql(insert(sessions).values({name: bindparam(name) for name in _ADDED}))
_on_devices = sessions.outerjoin(devices, devices.c.id == sessions.c.device)
_FIND = sql(select(*_ALL, *DEVICE_COLUMNS).select_from(_on_devices).where(sessions.c.id == bindparam("id")))
STANDING = select(*_ALL, *DEVICE_COLUMNS, *_USER, *EXEMPTION_COLUMNS).select_from(
    _on_devices.outerjoin(users, users.c.id == sessions.c.user).outerjoin(
        exemptions, exemptions.c.id == sessions.c.exemption
    )
)
"""Sessions with all that their liveness hangs on; rows for `standing_of`."""
_STANDING = sql(STANDING.where(sessions.c.id == bindparam("id")))
_ROTATE = sql(
    update(sessions)
    .where(and_(sessions.c.id == bindparam("id_"), sessions.c.head == bindparam("head_"), sessions.c.ended.is_(None)))
    .values(
        head=sessions.c.head + 1,
        grace=bindparam("grace_"),
        seen=bindparam("now"),
        idle_ends=bindparam("idle"),
        exemption=bindparam("exemption_"),
        device_revision=bindparam("revision_"),
    )
)
_TAKE_OVER = sql(
    update(sessions)
    .where(and_(sessions.c.id == bindparam("id_"), sessions.c.head == bindparam("head_"), sessions.c.ended.is_(None)))
    .values(exemption=bindparam("exemption_"))
)
_END = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("id_"), sessions.c.ended.is_(None))
    .values(ended=bindparam("now"), end_cause=bindparam("cause"))
)


async def add(tx: Tx, session: Session) -> None:
    """A new session."""
    await tx.run(
        _ADD, id=session.id, kind=session.kind.value, origin=session.origin.value, user=session.user,
        client=session.client, story=session.story, created=session.created, seen=session.created,
        idle_ends=session.idle_ends, ends=session.ends, authenticated=session.authenticated, amr=" ".join(session.amr),
        resource=session.resource or "", scopes=" ".join(session.scopes),
        reach=orjson.dumps(dict(session.reach)).decode(), exemption=session.exemption, head=session.head, grace="[]",
        requester_address=session.requester_address, approved_from=session.approved_from, jkt=session.jkt,
        x5t=session.x5t,
        device=session.device, device_revision=session.device_revision,
        trust=session.trust,
    )  # fmt: skip


async def find(tx: Tx, id: SessionId) -> Session | None:
    """The session."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _session(row)


async def standing(tx: Tx, id: SessionId) -> Standing | None:
    """The session with its person and its exemption as they are now: one statement."""
    row = await tx.one(_STANDING, id=id)
    return None if row is None else standing_of(row)


def standing_of(row: Row) -> Standing:
    """The columns of `STANDING`."""
    mine, person = _WITH_DEVICE, _WITH_DEVICE + len(_USER)
    user = user_of(row[mine:person]) if row[mine] is not None else None
    window = row[person:]
    return _session(row[:mine]), user, exemption_of(window) if window[0] is not None else None


async def rotate(
    tx: Tx,
    session: Session,
    *,
    grace: tuple[Grace, ...],
    idle_ends: Instant,
    exemption: ExemptionId | None,
    device_revision: int | None,
    now: Instant,
) -> bool:
    """Move the head on, if it is still where *session* says (R6)."""
    past = orjson.dumps([list(one) for one in grace]).decode()
    return (
        await tx.run(
            _ROTATE,
            id_=session.id,
            head_=session.head,
            grace_=past,
            now=now,
            idle=idle_ends,
            exemption_=exemption,
            revision_=device_revision,
        )
        == 1
    )


async def take_over(tx: Tx, session: Session, exemption: ExemptionId | None) -> bool:
    """Put another exemption behind it, the head as it is, if it is still where *session* says (R8)."""
    return await tx.run(_TAKE_OVER, id_=session.id, head_=session.head, exemption_=exemption) == 1


async def end(tx: Tx, id: SessionId, *, now: Instant, cause: str) -> bool:
    """End it, once."""
    return await tx.run(_END, id_=id, now=now, cause=cause) == 1


def _session(row: Row) -> Session:
    """
    The columns `_COLUMNS`, which stand in the order of the value's fields (by place costs a third of by name), and
    those of its device.
    """
    id, kind, origin, *others, amr, resource, words, reach, exemption, head, grace = row[:_PLACE]
    device = row[len(_COLUMNS) :]
    values: list[Any] = [
        id, SessionKind(kind), Origin(origin), *others, tuple(amr.split()), resource or None, tuple(words.split()),
        {AppId(app): tuple(names) for app, names in orjson.loads(reach).items()}, exemption, head,
        tuple(map(Grace._make, orjson.loads(grace))), *row[_PLACE : len(_COLUMNS)],
        device_of(device) if device[0] is not None else None,
    ]  # fmt: skip
    return Session(*values)
