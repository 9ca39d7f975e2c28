"""
Standing memberships that change without an administrator at the door: steps, an entry each.
"""

from collections.abc import Mapping

from ostiary.core.directory.people import Group, User
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.visit import Visit
from ostiary.services.logs.record import record
from ostiary.store import Tx, groups, provisioning
from ostiary.store.access import raise_version

__all__ = ["join_group", "leave_group", "leave_provisioned"]


async def join_group(tx: Tx, visit: Visit, group: Group, user: User, **more: str) -> None:
    """Step: *user*, who does not stand in *group*, does; the entry says *more*."""
    await groups.join(tx, group.id, user.id, visit.now)
    await _moved(tx, visit, Kind.MEMBER_ADDED, group, user, more)


async def leave_group(tx: Tx, visit: Visit, group: Group, user: User, **more: str) -> None:
    """Step: *user* stands in *group* no more; the entry, where they did, says *more*."""
    if await groups.leave(tx, group.id, user.id):
        await _moved(tx, visit, Kind.MEMBER_REMOVED, group, user, more)


async def leave_provisioned(tx: Tx, visit: Visit, user: User) -> None:
    """Step: *user* stands in none of the caller's groups."""
    for group in await provisioning.memberships(tx, visit.caller.id, user.id):
        await leave_group(tx, visit, group, user)


async def _moved(tx: Tx, visit: Visit, kind: Kind, group: Group, user: User, more: Mapping[str, str]) -> None:
    """Step: the entry, and memory is old."""
    detail = {"name": tame(group.display_name), "user": user.id, "user_name": user.principal_name, **more}
    await record(tx, visit, Entry(kind, target=f"group:{group.id}", detail=detail))
    await raise_version(tx, OPENINGS)
