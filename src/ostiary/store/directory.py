"""
People: accounts, their roles and state, and what the journal holds for them to know.

Changes compare before they swap: the caller brings what it saw.
"""

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, union_all, update

from ostiary.core.directory.people import Role, User
from ostiary.core.logs.told_people import ALWAYS, TELLING
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import (
    ADMINISTRATES,
    assignments,
    eligibilities,
    exemption_requests,
    exemptions,
    invitations,
    journal,
    users,
)
from ostiary.store.schema_logs import ABOUT_PEOPLE
from ostiary.store.sql import sql

USER_COLUMNS = (
    users.c.id,
    users.c.principal_name,
    users.c.display_name,
    users.c.mail,
    users.c.enabled,
    users.c.roles,
    users.c.created,
    users.c.epoch,
    users.c.vouched,
)
"""What `user_from` reads, in its order."""
_USER_NAMES = tuple(column.name for column in USER_COLUMNS[:-1])  # nobody vouches for an account that is made

_FIND = sql(select(*USER_COLUMNS).where(users.c.id == bindparam("id")))
_FIND_NAMED = sql(select(*USER_COLUMNS).where(users.c.principal_name == bindparam("name")))
_ADD = sql(insert(users).values({name: bindparam(name) for name in _USER_NAMES}))
_CHANGEABLE = ("principal_name", "display_name", "mail", "enabled", "roles", "epoch")
_CHANGE = sql(
    update(users)
    .where(
        users.c.id == bindparam("id_"),
        users.c.enabled == bindparam("enabled_"),
        users.c.roles == bindparam("roles_"),
        users.c.epoch == bindparam("epoch_"),
    )
    .values({name: bindparam(name) for name in _CHANGEABLE})
)
_DELETE = sql(delete(users).where(users.c.id == bindparam("id_")))
_UNASSIGN = sql(delete(assignments).where(assignments.c.principal == bindparam("user_")))
_UNINVITE = sql(delete(invitations).where(invitations.c.user == bindparam("user_")))
_ON_RECORD = sql(
    union_all(
        *(select(t.c.id).where(t.c.user == bindparam("user_")) for t in (exemptions, exemption_requests, eligibilities))
    ).limit(1)
)
_ADMINISTRATORS = sql(select(func.count()).select_from(users).where(users.c.enabled == 1, ADMINISTRATES))

_TOLD = sql(
    select(journal.c.kind, journal.c.at, journal.c.body)
    .where(
        ABOUT_PEOPLE,
        journal.c.target == bindparam("target"),
        journal.c.position > bindparam("after"),
        journal.c.at <= bindparam("now"),
        journal.c.kind.in_(sorted(kind.value for kind in (*ALWAYS, *TELLING))),  # no flood of others hides one
    )
    .order_by(journal.c.position.desc())
    .limit(20)
)
_LAST = sql(
    select(func.coalesce(func.max(journal.c.position), 0)).where(
        ABOUT_PEOPLE, journal.c.target == bindparam("target"), journal.c.kind == bindparam("kind")
    )
)


def user_from(row: Row) -> User:
    """One row of `USER_COLUMNS` as a value."""
    id, principal_name, display_name, mail, enabled, roles, created, epoch, vouched = row
    held = frozenset(Role(role) for role in orjson.loads(roles))
    return User(
        UserId(id), principal_name, display_name, mail, bool(enabled), held, Instant(created), Instant(epoch),
        None if vouched is None else Instant(vouched),
    )  # fmt: skip


def _roles(held: frozenset[Role]) -> str:
    """Roles as their column holds them: a sorted JSON array, so that equal sets are equal texts."""
    return orjson.dumps(sorted(held)).decode()


async def find(tx: Tx, id: UserId) -> User | None:
    """The account *id*."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else user_from(row)


async def find_named(tx: Tx, name: str) -> User | None:
    """The account whose (normalised) principal name is *name*."""
    row = await tx.one(_FIND_NAMED, name=name)
    return None if row is None else user_from(row)


async def administrators(tx: Tx) -> int:
    """How many enabled accounts hold the administrator's role."""
    row = await tx.one(_ADMINISTRATORS)
    return int(row[0]) if row else 0


async def add(tx: Tx, user: User) -> None:
    """Insert *user*. The caller has made sure that the name is free in this transaction."""
    await tx.run(
        _ADD, id=user.id, principal_name=user.principal_name, display_name=user.display_name, mail=user.mail,
        enabled=int(user.enabled), roles=_roles(user.roles), created=user.created, epoch=user.epoch,
    )  # fmt: skip


async def change(tx: Tx, old: User, new: User) -> bool:
    """Compare-and-swap: False when state, roles or epoch of *old* moved meanwhile."""
    changed = await tx.run(
        _CHANGE, id_=old.id, enabled_=int(old.enabled), roles_=_roles(old.roles), epoch_=old.epoch,
        principal_name=new.principal_name, display_name=new.display_name, mail=new.mail,
        enabled=int(new.enabled), roles=_roles(new.roles), epoch=new.epoch,
    )  # fmt: skip
    return changed == 1


async def on_record(tx: Tx, user: UserId) -> bool:
    """Whether exemptions of *user* are on record: then the account stays, for whoever asks who had access."""
    return await tx.one(_ON_RECORD, user_=user) is not None


async def remove(tx: Tx, user: UserId) -> bool:
    """Delete the account with its credentials, memberships, assignments and invitations."""
    await tx.run(_UNASSIGN, user_=user)
    await tx.run(_UNINVITE, user_=user)
    return await tx.run(_DELETE, id_=user) == 1


# ---- what a person should be told


async def last_entry(tx: Tx, target: str, kind: str) -> int:
    """The journal position of the newest entry of *kind* about *target*; 0 when there is none."""
    row = await tx.one(_LAST, target=target, kind=kind)
    return int(row[0]) if row else 0


async def told(tx: Tx, target: str, *, after: int, now: Instant) -> list[tuple[str, Instant, str]]:
    """Up to 20 newest of what *target* is told, beyond position *after*: kind, when, and the actor's name."""
    rows = await tx.all(_TOLD, target=target, after=after, now=now)
    return [(kind, Instant(at), _actor(body)) for kind, at, body in rows]


def _actor(body: str) -> str:
    content = orjson.loads(body)
    return str(content.get("actor_name") or content.get("actor", ""))
