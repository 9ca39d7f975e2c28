"""
Drills as rows: made, typed, decided once. Codes as digests; what became of one is derived.
"""

from dataclasses import fields

from sqlalchemy import bindparam, delete, func, insert, select, update

from ostiary.core.directory.people import User
from ostiary.core.graph.query import Order
from ostiary.core.signins.declared import Declared
from ostiary.core.signins.drill import Decision, Drill
from ostiary.core.words.ids import DrillId, GroupId, SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.ask import Source
from ostiary.store.directory import USER_COLUMNS, user_from
from ostiary.store.schema import drills, users
from ostiary.store.schema import members as members_table
from ostiary.store.sql import sql

_COLUMNS = tuple(field.name for field in fields(Drill))
_ALL = [drills.c[name] for name in _COLUMNS]
_NAMED = select(*_ALL, users.c.principal_name).join(users, users.c.id == drills.c.user)

_ADD = sql(insert(drills).values({name: bindparam(name) for name in (*_COLUMNS[:11], "user_code")}))
_BY_CODE = sql(select(*_ALL).where(drills.c.user_code == bindparam("digest")))
_BY_ID = sql(select(*_ALL).where(drills.c.id == bindparam("id")))
_NAMED_BY_ID = sql(_NAMED.where(drills.c.id == bindparam("id")))
_COUNT = sql(select(func.count()).where(drills.c.user == bindparam("user"), drills.c.created > bindparam("since")))
_OPEN = sql(
    select(func.count()).where(
        drills.c.user == bindparam("user"), drills.c.ends > bindparam("now"), drills.c.decision.is_(None)
    )
)
_TYPE = sql(
    update(drills)
    .where(drills.c.id == bindparam("id_"), drills.c.decision.is_(None), drills.c.ends > bindparam("now"))
    .values(typed=func.coalesce(drills.c.typed, bindparam("now")), browser=bindparam("browser_"))
)
_DECIDE = sql(
    update(drills)
    .where(
        drills.c.id == bindparam("id_"),
        drills.c.browser == bindparam("browser_"),
        drills.c.decision.is_(None),
        drills.c.ends > bindparam("now"),
    )
    .values(decided=bindparam("now"), decision=bindparam("decision_"))
)
_MEMBERS = sql(
    select(*USER_COLUMNS)
    .join(members_table, members_table.c.user == users.c.id)
    .where(members_table.c.group == bindparam("group_"))
    .order_by(users.c.id)
    .limit(bindparam("most"))
)
_FORGET = sql(delete(drills).where(drills.c.ends < bindparam("before")))


def drill_from(row: Row) -> Drill:
    """The columns `_COLUMNS` as a value."""
    id, user, client, resource, scopes, address, said, why, by, created, ends, typed, browser, decided, decision = row
    return Drill(
        DrillId(id), UserId(user), client, resource, tuple(scopes.split()), address, Declared.of(said), why, by,
        Instant(created), Instant(ends), typed, browser, decided, Decision(decision) if decision is not None else None,
    )  # fmt: skip


def _named(row: Row) -> tuple[Drill, str]:
    return drill_from(row[:-1]), row[-1]


DRILLS: Source[tuple[Drill, str]] = Source(
    _NAMED,
    {
        "id": drills.c.id,
        "user": drills.c.user,
        "user_name": users.c.principal_name,
        "decision": drills.c.decision,
        "created": drills.c.created,
        "ends": drills.c.ends,
    },
    drills.c.id,
    Order("created", descending=True),
    _named,
)
"""Each with the principal name of its person."""


async def add(tx: Tx, drill: Drill, *, user_code: bytes) -> None:
    """A new one, with the digest of its code. A code that is there violates the unique index and fails the deed."""
    await tx.run(
        _ADD, id=drill.id, user=drill.user, client=drill.client, resource=drill.resource, scopes=" ".join(drill.scopes),
        address=drill.address, declared=drill.declared.kept(), why=drill.why, by=drill.by, created=drill.created,
        ends=drill.ends, user_code=user_code,
    )  # fmt: skip


async def by_user_code(tx: Tx, digest: bytes) -> Drill | None:
    """The drill whose code has this HMAC."""
    row = await tx.one(_BY_CODE, digest=digest)
    return None if row is None else drill_from(row)


async def find(tx: Tx, id: DrillId) -> Drill | None:
    """The drill."""
    row = await tx.one(_BY_ID, id=id)
    return None if row is None else drill_from(row)


async def find_named(tx: Tx, id: DrillId) -> tuple[Drill, str] | None:
    """The drill with the principal name of its person."""
    row = await tx.one(_NAMED_BY_ID, id=id)
    return None if row is None else _named(row)


async def sent(tx: Tx, user: UserId, *, since: Instant) -> int:
    """How many *user* got since *since*."""
    row = await tx.one(_COUNT, user=user, since=since)
    return 0 if row is None else int(row[0])


async def is_open(tx: Tx, user: UserId, now: Instant) -> bool:
    """Whether *user* has one to which they can still do something."""
    row = await tx.one(_OPEN, user=user, now=now)
    return row is not None and int(row[0]) > 0


async def members(tx: Tx, group: GroupId, *, most: int) -> list[User]:
    """The standing members of *group*, at most *most*."""
    return [user_from(row) for row in await tx.all(_MEMBERS, group_=group, most=most)]


async def type_code(tx: Tx, id: DrillId, *, browser: SessionId, now: Instant) -> bool:
    """Its code was typed in *browser*; False when it is over."""
    return await tx.run(_TYPE, id_=id, browser_=browser, now=now) == 1


async def decide(tx: Tx, id: DrillId, decision: Decision, *, browser: SessionId, now: Instant) -> bool:
    """Its person decided in the browser that typed the code: once."""
    return await tx.run(_DECIDE, id_=id, decision_=decision.value, browser_=browser, now=now) == 1


async def forget(tx: Tx, *, before: Instant) -> int:
    """Delete those that ended before *before*; how many."""
    return await tx.run(_FORGET, before=before)
