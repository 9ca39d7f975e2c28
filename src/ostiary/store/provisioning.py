"""
Provisioning as rows: who may provision, and which accounts and groups are theirs. Tokens are kept as digests (R17).
"""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, or_, select, union_all, update

from ostiary.core.directory.people import Group, User
from ostiary.core.directory.provisioning import Kept, Provisioner
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.directory import USER_COLUMNS, user_from
from ostiary.store.groups import GROUP_COLUMNS, group_from
from ostiary.store.schema import (
    eligibilities,
    exemption_rules,
    groups,
    members,
    provisioned_groups,
    provisioned_users,
    provisioner_tokens,
    provisioners,
    users,
)
from ostiary.store.sql import sql

__all__ = [
    "ACCOUNTS", "GROUPS", "Owned", "Shelf", "add", "add_token", "by_token", "drop_tokens", "find", "given_more",
    "keep_group", "keep_user", "listed", "members_of", "memberships", "move_group", "move_user", "owner_of", "remove",
    "tokens", "use",
]  # fmt: skip

T = TypeVar("T")
_Column = ColumnElement[Any]

_theirs = provisioner_tokens.alias("theirs")
_ENDS = (
    select(func.max(_theirs.c.ends))
    .where(_theirs.c.provisioner == provisioners.c.id)
    .correlate(provisioners)
    .scalar_subquery()
)
_SHOWN = (
    provisioners.c.id, provisioners.c.name, provisioners.c.networks, provisioners.c.created, provisioners.c.used, _ENDS,
)  # fmt: skip
_LISTED = sql(select(*_SHOWN).order_by(provisioners.c.created, provisioners.c.id))
_FIND = sql(select(*_SHOWN).where(provisioners.c.id == bindparam("id")))
_ADD = sql(
    insert(provisioners).values({name: bindparam(name) for name in ("id", "name", "networks", "created")})
)  # fmt: skip
_REMOVE = sql(delete(provisioners).where(provisioners.c.id == bindparam("id_")))
_USE = sql(update(provisioners).where(provisioners.c.id == bindparam("id_")).values(used=bindparam("now")))
_BY_TOKEN = sql(
    select(*_SHOWN)
    .join(provisioner_tokens, provisioner_tokens.c.provisioner == provisioners.c.id)
    .where(provisioner_tokens.c.digest == bindparam("digest"), provisioner_tokens.c.ends > bindparam("now"))
)
_TOKENS = sql(
    select(provisioner_tokens.c.digest)
    .where(provisioner_tokens.c.provisioner == bindparam("id"), provisioner_tokens.c.ends > bindparam("now"))
    .order_by(provisioner_tokens.c.created.desc(), provisioner_tokens.c.digest)
)
_ADD_TOKEN = sql(
    insert(provisioner_tokens).values(
        {name: bindparam(name) for name in ("digest", "provisioner", "created", "ends")}
    )
)  # fmt: skip
_DROP_TOKEN = sql(delete(provisioner_tokens).where(provisioner_tokens.c.digest == bindparam("digest_")))
_DROP_OLD = sql(
    delete(provisioner_tokens).where(
        provisioner_tokens.c.provisioner == bindparam("id_"), provisioner_tokens.c.ends <= bindparam("now")
    )
)

_OWNER = sql(
    select(
        provisioned_users.c.provisioner, provisioned_users.c.gone, provisioned_users.c.external, provisioned_users.c.off
    ).where(provisioned_users.c.user == bindparam("id"))
)
_FOREIGN = sql(
    union_all(
        select(members.c.group)
        .outerjoin(provisioned_groups, provisioned_groups.c.group == members.c.group)
        .where(
            members.c.user == bindparam("user_"),
            or_(
                provisioned_groups.c.provisioner.is_(None), provisioned_groups.c.provisioner != bindparam("provisioner")
            ),
        ),
        select(eligibilities.c.group).where(
            eligibilities.c.user == bindparam("user_"), eligibilities.c.ended.is_(None)
        ),
        select(exemption_rules.c.group).where(exemption_rules.c.documents.like(bindparam("pattern"))),
    ).limit(1)
)
_KEEP_USER = sql(
    insert(provisioned_users).values(
        {name: bindparam(name) for name in ("user", "provisioner", "external", "created", "modified", "off")}
    )
)
_MOVE_USER = sql(
    update(provisioned_users)
    .where(provisioned_users.c.user == bindparam("user_"))
    .values(
        provisioner=bindparam("provisioner"), external=bindparam("external"), modified=bindparam("modified"),
        off=bindparam("off"), gone=bindparam("gone"),
    )
)  # fmt: skip

_KEEP_GROUP = sql(
    insert(provisioned_groups).values(
        {name: bindparam(name) for name in ("group", "provisioner", "external", "created", "modified")}
    )
)
_MOVE_GROUP = sql(
    update(provisioned_groups)
    .where(provisioned_groups.c.group == bindparam("group_"))
    .values(external=bindparam("external"), modified=bindparam("modified"))
)
_MEMBERS = sql(
    select(members.c.user)
    .join(provisioned_users, provisioned_users.c.user == members.c.user)
    .where(
        members.c.group == bindparam("group_"),
        provisioned_users.c.provisioner == bindparam("provisioner"),
        provisioned_users.c.gone.is_(None),
    )
    .order_by(members.c.user)
)
_MEMBERSHIPS = sql(
    select(*GROUP_COLUMNS)
    .join(members, members.c.group == groups.c.id)
    .join(provisioned_groups, provisioned_groups.c.group == groups.c.id)
    .where(provisioned_groups.c.provisioner == bindparam("provisioner"), members.c.user == bindparam("user_"))
    .order_by(groups.c.id)
)


class Shelf(Generic[T]):
    """What a provisioner has of one kind, each with what only provisioning knows of it."""

    def __init__(
        self, statement: Select[Any], *, id: _Column, name: _Column, external: _Column,
        value: Callable[[Row], tuple[T, Kept]],
    ) -> None:  # fmt: skip
        """*statement* selects all that are `provisioner`'s, with the columns that *value* reads."""
        self._value = value
        self._find = sql(statement.where(id == bindparam("id")))
        self._named = sql(statement.where(name == bindparam("name")))
        self._external = sql(statement.where(external == bindparam("external")).limit(2))
        self._page = sql(statement.order_by(id).limit(bindparam("most")).offset(bindparam("skipped")))
        self._count = sql(select(func.count()).select_from(statement.subquery()))

    async def find(self, tx: Tx, provisioner: str, id: str) -> tuple[T, Kept] | None:
        """That with *id*, if it is *provisioner*'s."""
        row = await tx.one(self._find, provisioner=provisioner, id=id)
        return None if row is None else self._value(row)

    async def named(self, tx: Tx, provisioner: str, name: str) -> list[tuple[T, Kept]]:
        """Those called exactly *name*: none or one."""
        return [self._value(row) for row in await tx.all(self._named, provisioner=provisioner, name=name)]

    async def external(self, tx: Tx, provisioner: str, external: str) -> list[tuple[T, Kept]]:
        """Those that *provisioner* calls *external*: at most two, one too many."""
        return [self._value(row) for row in await tx.all(self._external, provisioner=provisioner, external=external)]

    async def page(self, tx: Tx, provisioner: str, *, skipped: int, most: int) -> list[tuple[T, Kept]]:
        """Some of them, by id."""
        rows = await tx.all(self._page, provisioner=provisioner, skipped=skipped, most=most)
        return [self._value(row) for row in rows]

    async def count(self, tx: Tx, provisioner: str) -> int:
        """How many there are."""
        row = await tx.one(self._count, provisioner=provisioner)
        return int(row[0]) if row else 0


class Owned(NamedTuple):
    """Whose an account is."""

    provisioner: str
    gone: bool
    """It was deleted there."""
    external: str | None
    off: Instant
    """`Kept.off`."""


# ---- who may


def _provisioner(row: Row) -> Provisioner:
    id, name, networks, created, used, ends = row
    return Provisioner(
        id, name, tuple(ip_network(one) for one in orjson.loads(networks)), Instant(created),
        None if used is None else Instant(used), None if ends is None else Instant(ends),
    )  # fmt: skip


async def listed(tx: Tx) -> list[Provisioner]:
    """Every provisioner, the oldest first."""
    return [_provisioner(row) for row in await tx.all(_LISTED)]


async def find(tx: Tx, id: str) -> Provisioner | None:
    """The provisioner *id*."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _provisioner(row)


async def by_token(tx: Tx, digest: bytes, now: Instant) -> Provisioner | None:
    """Whose token has *digest* and counts at *now*."""
    row = await tx.one(_BY_TOKEN, digest=digest, now=now)
    return None if row is None else _provisioner(row)


async def add(tx: Tx, new: Provisioner) -> None:
    """A new one, without a token."""
    networks = orjson.dumps([str(network) for network in new.networks]).decode()
    await tx.run(_ADD, id=new.id, name=new.name, networks=networks, created=new.created)


async def remove(tx: Tx, id: str) -> bool:
    """Take it away, with its tokens; its accounts and groups stay, and are nobody's."""
    return await tx.run(_REMOVE, id_=id) == 1


async def use(tx: Tx, id: str, now: Instant) -> None:
    """Remember that it came at *now*."""
    await tx.run(_USE, id_=id, now=now)


async def tokens(tx: Tx, id: str, now: Instant) -> list[bytes]:
    """The digests of what counts at *now*, the newest first."""
    return [bytes(row[0]) for row in await tx.all(_TOKENS, id=id, now=now)]


async def add_token(tx: Tx, digest: bytes, *, provisioner: str, now: Instant, ends: Instant) -> None:
    """One more token."""
    await tx.run(_ADD_TOKEN, digest=digest, provisioner=provisioner, created=now, ends=ends)


async def drop_tokens(tx: Tx, id: str, digests: list[bytes], now: Instant) -> None:
    """Forget *digests*, and whatever ran out."""
    await tx.run(_DROP_OLD, id_=id, now=now)
    for one in digests:
        await tx.run(_DROP_TOKEN, digest_=one)


# ---- whose accounts


def _account(row: Row) -> tuple[User, Kept]:
    user, (external, created, modified, off) = user_from(row[: len(USER_COLUMNS)]), row[len(USER_COLUMNS) :]
    return user, Kept(user.id, external, Instant(created), Instant(modified), Instant(off))


_ours = provisioned_users.c
ACCOUNTS: Shelf[User] = Shelf(
    select(*USER_COLUMNS, *(_ours[name].label(f"kept_{name}") for name in ("external", "created", "modified", "off")))
    .join(provisioned_users, _ours.user == users.c.id)
    .where(_ours.provisioner == bindparam("provisioner"), _ours.gone.is_(None)),
    id=_ours.user, name=users.c.principal_name, external=_ours.external, value=_account,
)  # fmt: skip
"""Accounts that are not gone; their name is the normalised principal name."""


async def owner_of(tx: Tx, id: UserId) -> Owned | None:
    """Whose the account is; None when it is nobody's."""
    row = await tx.one(_OWNER, id=id)
    return None if row is None else Owned(row[0], row[1] is not None, row[2], Instant(row[3]))


async def given_more(tx: Tx, provisioner: str, user: UserId) -> bool:
    """Whether *user* stands in a group that is not *provisioner*'s, is eligible, or is named in the rules."""
    return await tx.one(_FOREIGN, user_=user, provisioner=provisioner, pattern=f"%{user}%") is not None


async def keep_user(tx: Tx, provisioner: str, kept: Kept) -> None:
    """The account of *kept*, which is nobody's, is *provisioner*'s."""
    await tx.run(
        _KEEP_USER, user=kept.id, provisioner=provisioner, external=kept.external, created=kept.created,
        modified=kept.modified, off=kept.off,
    )  # fmt: skip


async def move_user(tx: Tx, provisioner: str, kept: Kept, *, gone: Instant | None = None) -> None:
    """What is known of the account has changed; with *gone* it was deleted there."""
    await tx.run(
        _MOVE_USER, user_=kept.id, provisioner=provisioner, external=kept.external, modified=kept.modified,
        off=kept.off, gone=gone,
    )  # fmt: skip


# ---- whose groups


def _group(row: Row) -> tuple[Group, Kept]:
    group, (external, created, modified) = group_from(row[: len(GROUP_COLUMNS)]), row[len(GROUP_COLUMNS) :]
    return group, Kept(group.id, external, Instant(created), Instant(modified))


_of_group = provisioned_groups.c
GROUPS: Shelf[Group] = Shelf(
    select(*GROUP_COLUMNS, *(_of_group[name].label(f"kept_{name}") for name in ("external", "created", "modified")))
    .join(provisioned_groups, _of_group.group == groups.c.id)
    .where(_of_group.provisioner == bindparam("provisioner")),
    id=_of_group.group, name=groups.c.display_name, external=_of_group.external, value=_group,
)  # fmt: skip


async def keep_group(tx: Tx, provisioner: str, kept: Kept) -> None:
    """The group of *kept* is *provisioner*'s."""
    await tx.run(
        _KEEP_GROUP, group=kept.id, provisioner=provisioner, external=kept.external, created=kept.created,
        modified=kept.modified,
    )  # fmt: skip


async def move_group(tx: Tx, kept: Kept) -> None:
    """What is known of the group has changed."""
    await tx.run(_MOVE_GROUP, group_=kept.id, external=kept.external, modified=kept.modified)


async def members_of(tx: Tx, provisioner: str, group: GroupId) -> frozenset[UserId]:
    """Who of *provisioner*'s people stands in *group*."""
    return frozenset(UserId(row[0]) for row in await tx.all(_MEMBERS, group_=group, provisioner=provisioner))


async def memberships(tx: Tx, provisioner: str, user: UserId) -> list[Group]:
    """The groups of *provisioner* that *user* stands in."""
    return [group_from(row) for row in await tx.all(_MEMBERSHIPS, provisioner=provisioner, user_=user)]
