"""
Groups and their standing members; for the exception group, whoever an active exemption makes a member.
"""

from sqlalchemy import bindparam, delete, exists, insert, select, update

from ostiary.core.directory.people import Group, User
from ostiary.core.graph.query import Order
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.ask import Source
from ostiary.store.directory import USER_COLUMNS, user_from
from ostiary.store.exemptions import NOT_ENDED
from ostiary.store.schema import assignments, exemptions, groups, members, policies, users
from ostiary.store.sql import sql

GROUP_COLUMNS = (groups.c.id, groups.c.display_name, groups.c.description, groups.c.purpose, groups.c.created)
"""What `group_from` reads, in its order."""
_FIND = sql(select(*GROUP_COLUMNS).where(groups.c.id == bindparam("id")))
_NAMED = sql(select(*GROUP_COLUMNS).where(groups.c.display_name == bindparam("name")))
_ADD = sql(insert(groups).values({column.name: bindparam(column.name) for column in GROUP_COLUMNS}))
_CHANGE = sql(
    update(groups)
    .where(
        groups.c.id == bindparam("id_"),
        groups.c.display_name == bindparam("old_name"),
        groups.c.description == bindparam("old_description"),
    )
    .values(display_name=bindparam("display_name"), description=bindparam("description"))
)
_DELETE = sql(delete(groups).where(groups.c.id == bindparam("id_")))
_UNASSIGN = sql(delete(assignments).where(assignments.c.principal == bindparam("id_")))
_POLICY_NAMES = sql(
    select(policies.c.id).where(policies.c.document.like(bindparam("pattern"))).order_by(policies.c.id).limit(1)
)
_IS_MEMBER = sql(
    select(members.c.since).where(members.c.group == bindparam("group_"), members.c.user == bindparam("user_"))
)
_JOIN = sql(insert(members).values(group=bindparam("group_"), user=bindparam("user_"), since=bindparam("since")))
_LEAVE = sql(delete(members).where(members.c.group == bindparam("group_"), members.c.user == bindparam("user_")))


def group_from(row: Row) -> Group:
    """One row as a value."""
    id, display_name, description, purpose, created = row
    return Group(GroupId(id), display_name, description, purpose, Instant(created))


_GROUP_ASK = {
    "id": groups.c.id,
    "display_name": groups.c.display_name,
    "purpose": groups.c.purpose,
    "created": groups.c.created,
}
_USER_ASK = {column.name: column for column in USER_COLUMNS}
_BY_NAME = Order("display_name")
_standing = select(*USER_COLUMNS).join(members, members.c.user == users.c.id)
_standing_groups = select(*GROUP_COLUMNS).join(members, members.c.group == groups.c.id)
_active = exists().where(
    exemptions.c.user == users.c.id,
    exemptions.c.group == bindparam("group_"),
    NOT_ENDED,
    exemptions.c.starts <= bindparam("now"),
    exemptions.c.ends > bindparam("now"),
)

USERS: Source[User] = Source(select(*USER_COLUMNS), _USER_ASK, users.c.id, _BY_NAME, user_from)
GROUPS: Source[Group] = Source(select(*GROUP_COLUMNS), _GROUP_ASK, groups.c.id, _BY_NAME, group_from)
STANDING: Source[User] = Source(
    _standing.where(members.c.group == bindparam("group_")), _USER_ASK, users.c.id, _BY_NAME, user_from
)
"""Standing members of `group_`."""
EXEMPTED: Source[User] = Source(select(*USER_COLUMNS).where(_active), _USER_ASK, users.c.id, _BY_NAME, user_from)
"""Whoever has an active exemption of `group_` at `now`."""
GROUPS_OF: Source[Group] = Source(
    _standing_groups.where(members.c.user == bindparam("user_")), _GROUP_ASK, groups.c.id, _BY_NAME, group_from
)
"""The groups that `user_` stands in."""


async def find(tx: Tx, id: GroupId) -> Group | None:
    """The group *id*."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else group_from(row)


async def named(tx: Tx, name: str) -> Group | None:
    """The group called exactly *name*."""
    row = await tx.one(_NAMED, name=name)
    return None if row is None else group_from(row)


async def add(tx: Tx, group: Group) -> None:
    """Insert *group*. The caller has made sure that the name is free in this transaction."""
    await tx.run(
        _ADD, id=group.id, display_name=group.display_name, description=group.description, purpose=group.purpose,
        created=group.created,
    )  # fmt: skip


async def change(tx: Tx, old: Group, new: Group) -> bool:
    """Compare-and-swap name and description."""
    changed = await tx.run(
        _CHANGE, id_=old.id, old_name=old.display_name, old_description=old.description,
        display_name=new.display_name, description=new.description,
    )  # fmt: skip
    return changed == 1


async def remove(tx: Tx, id: GroupId) -> bool:
    """Delete the group with its memberships and assignments."""
    await tx.run(_UNASSIGN, id_=id)
    return await tx.run(_DELETE, id_=id) == 1


async def policy_naming(tx: Tx, id: str) -> str | None:
    """A policy whose document names *id* (a GUID), if there is one."""
    row = await tx.one(_POLICY_NAMES, pattern=f"%{id}%")
    return None if row is None else str(row[0])


async def is_member(tx: Tx, group: GroupId, user: UserId) -> bool:
    """Whether *user* is a standing member."""
    return await tx.one(_IS_MEMBER, group_=group, user_=user) is not None


async def join(tx: Tx, group: GroupId, user: UserId, since: Instant) -> None:
    """Make *user* a standing member. The caller has made sure that it is none."""
    await tx.run(_JOIN, group_=group, user_=user, since=since)


async def leave(tx: Tx, group: GroupId, user: UserId) -> bool:
    """End a standing membership; False when there was none."""
    return await tx.run(_LEAVE, group_=group, user_=user) == 1
