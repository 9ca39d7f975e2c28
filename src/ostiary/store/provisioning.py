"""
Provisioning as rows: who may provision, and which accounts and groups are theirs. Tokens are kept as digests (R17).
"""

from ipaddress import ip_network
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, delete, func, insert, or_, select, union_all, update

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
    "Owned", "add", "add_token", "by_token", "count_groups", "count_users", "drop_tokens", "find", "find_group",
    "find_user", "given_more",
    "group_external", "group_named", "groups_of", "keep_group", "keep_user", "listed",
    "members_of", "memberships", "move_group", "move_user", "owner_of", "remove", "tokens", "use", "user_external",
    "user_named", "users_of",
]  # fmt: skip

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

_KEPT_USER = (
    provisioned_users.c.external, provisioned_users.c.created, provisioned_users.c.modified, provisioned_users.c.off,
)  # fmt: skip
_user = (
    select(*USER_COLUMNS, *(column.label(f"kept_{column.name}") for column in _KEPT_USER))
    .join(provisioned_users, provisioned_users.c.user == users.c.id)
    .where(provisioned_users.c.provisioner == bindparam("provisioner"), provisioned_users.c.gone.is_(None))
)
_FIND_USER = sql(_user.where(users.c.id == bindparam("id")))
_USER_NAMED = sql(_user.where(users.c.principal_name == bindparam("name")))
_USER_EXTERNAL = sql(_user.where(provisioned_users.c.external == bindparam("external")).limit(2))
_USERS_OF = sql(
    _user.order_by(provisioned_users.c.user).limit(bindparam("most")).offset(bindparam("skipped"))
)  # fmt: skip
_COUNT_USERS = sql(
    select(func.count())
    .select_from(provisioned_users)
    .where(provisioned_users.c.provisioner == bindparam("provisioner"), provisioned_users.c.gone.is_(None))
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

GROUP_KEPT = (provisioned_groups.c.external, provisioned_groups.c.created, provisioned_groups.c.modified)
_group = (
    select(*GROUP_COLUMNS, *(column.label(f"kept_{column.name}") for column in GROUP_KEPT))
    .join(provisioned_groups, provisioned_groups.c.group == groups.c.id)
    .where(provisioned_groups.c.provisioner == bindparam("provisioner"))
)
_FIND_GROUP = sql(_group.where(groups.c.id == bindparam("id")))
_GROUP_NAMED = sql(_group.where(groups.c.display_name == bindparam("name")))
_GROUP_EXTERNAL = sql(_group.where(provisioned_groups.c.external == bindparam("external")).limit(2))
_GROUPS_OF = sql(
    _group.order_by(provisioned_groups.c.group).limit(bindparam("most")).offset(bindparam("skipped"))
)  # fmt: skip
_COUNT_GROUPS = sql(
    select(func.count())
    .select_from(provisioned_groups)
    .where(provisioned_groups.c.provisioner == bindparam("provisioner"))
)
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


class Owned(NamedTuple):
    """Whose an account is."""

    provisioner: str
    gone: bool
    """It was deleted there."""
    external: str | None
    off: bool


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


def _kept_user(row: Row) -> tuple[User, Kept]:
    user, (external, created, modified, off) = user_from(row[: len(USER_COLUMNS)]), row[len(USER_COLUMNS) :]
    return user, Kept(user.id, external, Instant(created), Instant(modified), bool(off))


async def find_user(tx: Tx, provisioner: str, id: UserId) -> tuple[User, Kept] | None:
    """The account *id*, if it is *provisioner*'s and not gone."""
    row = await tx.one(_FIND_USER, provisioner=provisioner, id=id)
    return None if row is None else _kept_user(row)


async def user_named(tx: Tx, provisioner: str, name: str) -> list[tuple[User, Kept]]:
    """Those of *provisioner* with the normalised principal name: none or one."""
    return [_kept_user(row) for row in await tx.all(_USER_NAMED, provisioner=provisioner, name=name)]


async def user_external(tx: Tx, provisioner: str, external: str) -> list[tuple[User, Kept]]:
    """Those of *provisioner* that it calls *external*: at most two, one too many."""
    return [_kept_user(row) for row in await tx.all(_USER_EXTERNAL, provisioner=provisioner, external=external)]


async def users_of(tx: Tx, provisioner: str, *, skipped: int, most: int) -> list[tuple[User, Kept]]:
    """Those of *provisioner*, by id."""
    rows = await tx.all(_USERS_OF, provisioner=provisioner, skipped=skipped, most=most)
    return [_kept_user(row) for row in rows]


async def count_users(tx: Tx, provisioner: str) -> int:
    """How many are not gone."""
    row = await tx.one(_COUNT_USERS, provisioner=provisioner)
    return int(row[0]) if row else 0


async def owner_of(tx: Tx, id: UserId) -> Owned | None:
    """Whose the account is; None when it is nobody's."""
    row = await tx.one(_OWNER, id=id)
    return None if row is None else Owned(row[0], row[1] is not None, row[2], bool(row[3]))


async def given_more(tx: Tx, provisioner: str, user: UserId) -> bool:
    """Whether *user* stands in a group that is not *provisioner*'s, is eligible, or is named in the rules."""
    return await tx.one(_FOREIGN, user_=user, provisioner=provisioner, pattern=f"%{user}%") is not None


async def keep_user(tx: Tx, provisioner: str, kept: Kept) -> None:
    """The account of *kept*, which is nobody's, is *provisioner*'s."""
    await tx.run(
        _KEEP_USER, user=kept.id, provisioner=provisioner, external=kept.external, created=kept.created,
        modified=kept.modified, off=int(kept.off),
    )  # fmt: skip


async def move_user(tx: Tx, provisioner: str, kept: Kept, *, gone: Instant | None = None) -> None:
    """What is known of the account has changed; with *gone* it was deleted there."""
    await tx.run(
        _MOVE_USER, user_=kept.id, provisioner=provisioner, external=kept.external, modified=kept.modified,
        off=int(kept.off), gone=gone,
    )  # fmt: skip


# ---- whose groups


def _kept_group(row: Row) -> tuple[Group, Kept]:
    group, (external, created, modified) = group_from(row[: len(GROUP_COLUMNS)]), row[len(GROUP_COLUMNS) :]
    return group, Kept(group.id, external, Instant(created), Instant(modified))


async def find_group(tx: Tx, provisioner: str, id: GroupId) -> tuple[Group, Kept] | None:
    """The group *id*, if it is *provisioner*'s."""
    row = await tx.one(_FIND_GROUP, provisioner=provisioner, id=id)
    return None if row is None else _kept_group(row)


async def group_named(tx: Tx, provisioner: str, name: str) -> list[tuple[Group, Kept]]:
    """Those of *provisioner* called exactly *name*: none or one."""
    return [_kept_group(row) for row in await tx.all(_GROUP_NAMED, provisioner=provisioner, name=name)]


async def group_external(tx: Tx, provisioner: str, external: str) -> list[tuple[Group, Kept]]:
    """Those of *provisioner* that it calls *external*: at most two, one too many."""
    return [_kept_group(row) for row in await tx.all(_GROUP_EXTERNAL, provisioner=provisioner, external=external)]


async def groups_of(tx: Tx, provisioner: str, *, skipped: int, most: int) -> list[tuple[Group, Kept]]:
    """Those of *provisioner*, by id."""
    rows = await tx.all(_GROUPS_OF, provisioner=provisioner, skipped=skipped, most=most)
    return [_kept_group(row) for row in rows]


async def count_groups(tx: Tx, provisioner: str) -> int:
    """How many there are."""
    row = await tx.one(_COUNT_GROUPS, provisioner=provisioner)
    return int(row[0]) if row else 0


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
