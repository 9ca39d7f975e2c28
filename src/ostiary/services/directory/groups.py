"""
Groups: made, renamed, deleted; people put in and taken out.

INVARIANT: nobody stands in the exception group. Its members are those with an active exemption, so it takes no member
here, keeps its name, and stays. A group that a policy names stays too: without it the policy would quietly say less.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.directory.people import EXCEPTION, Group, User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.memberships import join_group, leave_group
from ostiary.services.directory.search import NO_GROUP
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, groups
from ostiary.store.access import raise_version

_EXEMPTIONS_ONLY = Refused(Reason.WRONG_STATE, "The members of this group come from exemptions only.")
_STAYS = Refused(Reason.WRONG_STATE, "The exception group keeps its name and cannot be deleted.")
_TAKEN = Refused(Reason.CONFLICT, "Another group has this name.", field="displayName")


async def create_group(house: House, visit: Visit, changes: Mapping[str, Any], reason: str = "") -> Group | Refused:
    """
    Make a group of *changes* (`display_name`, `description`).

    Refused: FORBIDDEN and its kin, CONFLICT for a name that is taken.
    """
    id = GroupId(house.random.guid())
    group = Group(id, changes["display_name"], changes.get("description") or "", created=visit.now)

    async def body(tx: Tx) -> Group | Refused:
        refused = judge(Action.WRITE_GROUPS, visit.caller, now=visit.now)
        refused = refused or (_TAKEN if await groups.named(tx, group.display_name) else None)
        if refused:
            return await refuse(tx, visit, Action.WRITE_GROUPS, refused, target="group:")
        await groups.add(tx, group)
        detail = {"name": tame(group.display_name), "reason": tame(reason)}
        await record(tx, visit, Entry(Kind.GROUP_CREATED, target=f"group:{group.id}", detail=detail))
        return group

    return await house.store.write(body)


async def change_group(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = ""
) -> Group | Refused:
    """
    Rename or describe. Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT, WRONG_STATE for the exception group's name.
    """

    async def body(tx: Tx) -> Group | Refused:
        old = await _found(tx, visit, id)
        new = old if isinstance(old, Refused) else _changed(old, changes)
        refused = new if isinstance(new, Refused) else await _name_taken(tx, old, new)
        if refused or isinstance(old, Refused) or isinstance(new, Refused):
            return await refuse(tx, visit, Action.WRITE_GROUPS, refused or NO_GROUP, target=f"group:{id[:64]}")
        if new != old:
            await write_group(tx, visit, old, new, reason)
        return new

    return await house.store.write(body)


async def _found(tx: Tx, visit: Visit, id: str) -> Group | Refused:
    """Step: the group, for whoever may change it."""
    refused = judge(Action.WRITE_GROUPS, visit.caller, now=visit.now)
    return refused or await groups.find(tx, GroupId(id)) or NO_GROUP


def _changed(old: Group, changes: Mapping[str, Any]) -> Group | Refused:
    description = changes.get("description", old.description) or ""
    new = replace(old, display_name=changes.get("display_name", old.display_name), description=description)
    return _STAYS if old.purpose == EXCEPTION and new.display_name != old.display_name else new


async def _name_taken(tx: Tx, old: Group | Refused, new: Group) -> Refused | None:
    same = isinstance(old, Group) and old.display_name == new.display_name
    return None if same or await groups.named(tx, new.display_name) is None else _TAKEN


async def write_group(tx: Tx, visit: Visit, old: Group, new: Group, reason: str) -> None:
    """Step: swap, and the entry with what changed."""
    if not await groups.change(tx, old, new):
        raise BrokenState(f"the group {old.id} moved in its own transaction")
    pairs = {
        "display_name": (old.display_name, new.display_name),
        "description": (old.description, new.description),
    }
    detail = {
        "name": tame(new.display_name),
        "before": {key: tame(was) for key, (was, now) in pairs.items() if was != now},
        "after": {key: tame(now) for key, (was, now) in pairs.items() if was != now},
        "reason": tame(reason),
    }
    await record(tx, visit, Entry(Kind.GROUP_CHANGED, target=f"group:{new.id}", detail=detail))


async def delete_group(house: House, visit: Visit, id: str) -> Group | Refused:
    """
    Delete a group. Refused: FORBIDDEN and its kin, NOT_FOUND, WRONG_STATE while a policy names it or for the exception
    group.
    """

    async def body(tx: Tx) -> Group | Refused:
        old = await _found(tx, visit, id)
        refused = old if isinstance(old, Refused) else await in_use(tx, old)
        if refused or isinstance(old, Refused):
            return await refuse(tx, visit, Action.WRITE_GROUPS, refused or NO_GROUP, target=f"group:{id[:64]}")
        await groups.remove(tx, old.id)
        await raise_version(tx, OPENINGS)
        detail = {"name": tame(old.display_name)}
        await record(tx, visit, Entry(Kind.GROUP_DELETED, target=f"group:{old.id}", detail=detail))
        return old

    return await house.store.write(body)


async def in_use(tx: Tx, group: Group) -> Refused | None:
    """Step: WRONG_STATE for a group that must stay."""
    if group.purpose == EXCEPTION:
        return _STAYS
    named = await groups.policy_naming(tx, group.id)
    return Refused(Reason.WRONG_STATE, f"The policy {named} names this group. Change it first.") if named else None


async def add_member(house: House, visit: Visit, group: str, user: str) -> User | Refused:
    """
    Put *user* (an id) into *group*. Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT, WRONG_STATE for the exception
    group.
    """

    async def body(tx: Tx) -> User | Refused:
        pair = await _pair(tx, visit, group, user)
        if not isinstance(pair, Refused) and await groups.is_member(tx, pair[0].id, pair[1].id):
            pair = Refused(Reason.CONFLICT, "This person is a member already.")
        if isinstance(pair, Refused):
            return await refuse(tx, visit, Action.WRITE_GROUPS, pair, target=f"group:{group[:64]}")
        await join_group(tx, visit, *pair)
        return pair[1]

    return await house.store.write(body)


async def remove_member(house: House, visit: Visit, group: str, user: str) -> User | Refused:
    """Take *user* (an id) out of *group*. Refused as `add_member`."""

    async def body(tx: Tx) -> User | Refused:
        pair = await _pair(tx, visit, group, user)
        if not isinstance(pair, Refused) and not await groups.is_member(tx, pair[0].id, pair[1].id):
            pair = Refused(Reason.NOT_FOUND, "This person is no member.")
        if isinstance(pair, Refused):
            return await refuse(tx, visit, Action.WRITE_GROUPS, pair, target=f"group:{group[:64]}")
        await leave_group(tx, visit, *pair)
        return pair[1]

    return await house.store.write(body)


async def _pair(tx: Tx, visit: Visit, group: str, user: str) -> tuple[Group, User] | Refused:
    """Step: group and person, for whoever may change memberships of that group."""
    found = await _found(tx, visit, group)
    if isinstance(found, Refused):
        return found
    if found.purpose == EXCEPTION:
        return _EXEMPTIONS_ONLY
    person = await directory.find(tx, UserId(user))
    return (found, person) if person else Refused(Reason.NOT_FOUND, "There is no such user.")
