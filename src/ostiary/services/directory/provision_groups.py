"""
Groups as a provisioner says: made, renamed, filled, deleted (SCIM 2.0, RFC 7644 §3).

A provisioner sees its own groups alone, and puts its own accounts into them. The exception group is nobody's: its
members come from exemptions only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ostiary.core.directory.people import Group
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.provisioning import Kept, Team, wrong_external, wrong_team
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.groups import in_use, write_group
from ostiary.services.directory.memberships import join_group, leave_group
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, groups, provisioning
from ostiary.store.access import raise_version

__all__ = [
    "MOST_SCANNED", "ChangeTeam", "Filled", "Teams", "change_team", "create_team", "find_team", "find_teams",
    "page_of_teams", "remove_team",
]  # fmt: skip

MOST_SCANNED = 200
"""Groups that a filter without an index looks at, each with its members."""

_NONE = Refused(Reason.NOT_FOUND, "There is no such group.")
_TAKEN = Refused(Reason.CONFLICT, "Another group has this name.", field="displayName")


@dataclass(frozen=True, slots=True)
class Filled:
    """A group of a provisioner with who of its people stands in it; None where nobody asked."""

    group: Group
    kept: Kept
    members: frozenset[UserId] | None


@dataclass(frozen=True, slots=True)
class Teams:
    """A page of them, and how many there are in all."""

    teams: tuple[Filled, ...]
    total: int


ChangeTeam = Callable[[Filled], Team | Refused]
"""What is to become of a group; it runs inside the transaction, so it does nothing else."""


async def _filled(tx: Tx, visit: Visit, row: tuple[Group, Kept], *, members: bool = True) -> Filled:
    return Filled(*row, await provisioning.members_of(tx, visit.caller.id, row[0].id) if members else None)


async def find_team(house: House, visit: Visit, id: str, *, members: bool = True) -> Filled | Refused:
    """One of the provisioner's own. NOT_FOUND, FORBIDDEN and its kin."""

    async def body(tx: Tx) -> Filled | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.GROUPS.find(tx, visit.caller.id, GroupId(id))
        return refused or (await _filled(tx, visit, found, members=members) if found else _NONE)

    return await house.store.survey(body)


async def find_teams(
    house: House, visit: Visit, *, name: str | None = None, external: str | None = None, members: bool = True
) -> Teams | Refused:
    """Those called exactly so, or that the provisioner calls so."""

    async def body(tx: Tx) -> Teams | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        if refused:
            return refused
        if name is not None:
            rows = await provisioning.GROUPS.named(tx, visit.caller.id, name)
        else:
            rows = await provisioning.GROUPS.external(tx, visit.caller.id, external or "")
        return Teams(tuple([await _filled(tx, visit, row, members=members) for row in rows]), len(rows))

    return await house.store.survey(body)


async def page_of_teams(
    house: House, visit: Visit, *, skipped: int, most: int, members: bool
) -> Teams | Refused:  # fmt: skip
    """A page of all, by id, and their number."""

    async def body(tx: Tx) -> Teams | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        if refused:
            return refused
        rows = await provisioning.GROUPS.page(tx, visit.caller.id, skipped=skipped, most=most)
        found = tuple([await _filled(tx, visit, row, members=members) for row in rows])
        return Teams(found, await provisioning.GROUPS.count(tx, visit.caller.id))

    return await house.store.survey(body)


async def create_team(house: House, visit: Visit, team: Team) -> Filled | Refused:
    """Make a group. Refused: INVALID_VALUE with `field`, CONFLICT for a name that is taken, FORBIDDEN and its kin."""
    group = Group(GroupId(house.random.guid()), team.name, "", created=visit.now)

    async def body(tx: Tx) -> Filled | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        refused = refused or wrong_external(team.external) or wrong_team(group, team.members)
        refused = refused or (_TAKEN if await groups.named(tx, group.display_name) else None)
        strangers = None if refused else await _strangers(tx, visit, team.members)
        if refused or strangers:
            return await refuse(tx, visit, Action.PROVISION, refused or strangers or _NONE, target="group:")
        await groups.add(tx, group)
        detail = {"name": tame(group.display_name), "reason": f"provisioned by {tame(visit.caller.name)}"}
        await record(tx, visit, Entry(Kind.GROUP_CREATED, target=f"group:{group.id}", detail=detail))
        kept = Kept(group.id, team.external, visit.now, visit.now)
        await provisioning.keep_group(tx, visit.caller.id, kept)
        await _fill(tx, visit, group, frozenset(), team.members)
        return Filled(group, kept, team.members)

    return await house.store.write(body)


async def change_team(house: House, visit: Visit, id: str, change: ChangeTeam) -> Filled | Refused:
    """Change one of the provisioner's own. Refused: as *change* says, NOT_FOUND, and as `create_team`."""

    async def body(tx: Tx) -> Filled | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.GROUPS.find(tx, visit.caller.id, GroupId(id))
        old = await _filled(tx, visit, found) if found else None
        told = refused or (change(old) if old else _NONE)
        done = told if isinstance(told, Refused) or old is None else await _swapped(tx, visit, old, told)
        if isinstance(done, Refused):
            return await refuse(tx, visit, Action.PROVISION, done, target=f"group:{id[:64]}")
        assert isinstance(done, Filled)
        return done

    return await house.store.write(body)


async def _swapped(tx: Tx, visit: Visit, old: Filled, team: Team) -> Filled | Refused:
    """Step: *old* as *team* says."""
    group, had = replace(old.group, display_name=team.name), old.members or frozenset()
    refused = wrong_external(team.external) or wrong_team(group, team.members)
    if refused is None and group != old.group and await groups.named(tx, group.display_name):
        refused = _TAKEN
    refused = refused or await _strangers(tx, visit, team.members - had)
    if refused:
        return refused
    if group == old.group and team.external == old.kept.external and team.members == had:
        return old
    if group != old.group:
        await write_group(tx, visit, old.group, group, f"provisioned by {visit.caller.name}")
    await _fill(tx, visit, group, had, team.members)
    kept = replace(old.kept, external=team.external, modified=visit.now)
    await provisioning.move_group(tx, kept)
    return Filled(group, kept, team.members)


async def _strangers(tx: Tx, visit: Visit, members: frozenset[UserId]) -> Refused | None:
    """Step: INVALID_VALUE when somebody among *members* is not the provisioner's."""
    for member in sorted(members):
        if await provisioning.ACCOUNTS.find(tx, visit.caller.id, member) is None:
            return Refused(Reason.INVALID_VALUE, "A member is none of your users.", field="members")
    return None


async def _fill(
    tx: Tx, visit: Visit, group: Group, before: frozenset[UserId], wanted: frozenset[UserId]
) -> None:  # fmt: skip
    """Step: of the provisioner's people exactly *wanted* stand in *group*; others who do are not its business."""
    for id in sorted(wanted ^ before):
        user = await directory.find(tx, id)
        if user is None:
            raise BrokenState(f"the account {id} went while it was looked at")
        if id not in wanted:
            await leave_group(tx, visit, group, user)
        elif not await groups.is_member(
            tx, group.id, id
        ):  # an administrator may have put them in before they came here
            await join_group(tx, visit, group, user)


async def remove_team(house: House, visit: Visit, id: str) -> bool | Refused:
    """Delete a group. Refused: NOT_FOUND, WRONG_STATE while a policy names it, FORBIDDEN and its kin."""

    async def body(tx: Tx) -> bool | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.GROUPS.find(tx, visit.caller.id, GroupId(id))
        refused = refused or (await in_use(tx, found[0]) if found else _NONE)
        if refused or found is None:
            return await refuse(tx, visit, Action.PROVISION, refused or _NONE, target=f"group:{id[:64]}")
        await groups.remove(tx, found[0].id)
        await raise_version(tx, OPENINGS)
        detail = {"name": tame(found[0].display_name)}
        await record(tx, visit, Entry(Kind.GROUP_DELETED, target=f"group:{found[0].id}", detail=detail))
        return True

    return await house.store.write(body)
