"""
Looking people and groups up: lists that are filtered and paged, away from sign-ins, and the ids behind names.

Leaves no entry. Who may look is judged here as everywhere (R3).
"""

from typing import TypeVar

from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.people import EXCEPTION, Group, User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, directory, groups
from ostiary.store.ask import Source, ask

T = TypeVar("T")

FOREIGN_CURSOR = Refused(Reason.INVALID_VALUE, "Use the address in @odata.nextLink as it is.", field="$skiptoken")
NO_GROUP = Refused(Reason.NOT_FOUND, "There is no such group.")


async def search(
    house: House, visit: Visit, source: Source[T], query: Query, *, action: Action, **values: object
) -> Page[T] | Refused:
    """One page of *source* for whoever may do *action*."""
    refused = judge(action, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def body(tx: Tx) -> Page[T] | Refused:
        return await ask(tx, source, query, **values) or FOREIGN_CURSOR

    return await house.store.survey(body)


async def search_users(house: House, visit: Visit, query: Query) -> Page[User] | Refused:
    """Accounts, by name."""
    return await search(house, visit, groups.USERS, query, action=Action.READ_DIRECTORY)


async def search_groups(house: House, visit: Visit, query: Query) -> Page[Group] | Refused:
    """Groups, by name."""
    return await search(house, visit, groups.GROUPS, query, action=Action.READ_DIRECTORY)


async def groups_of(house: House, visit: Visit, user: str, query: Query) -> Page[Group] | Refused:
    """The groups that *user* stands in; everybody may see their own."""
    action = Action.READ_SELF if visit.caller.user == user else Action.READ_DIRECTORY
    return await search(house, visit, groups.GROUPS_OF, query, action=action, user_=user)


async def members_of(house: House, visit: Visit, group: str, query: Query) -> Page[User] | Refused:
    """
    A group's members: the standing ones; of the exception group, whoever holds an active exemption now.

    Refused: FORBIDDEN, NOT_FOUND, INVALID_VALUE for the cursor of another list.
    """
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def body(tx: Tx) -> Page[User] | Refused:
        found = await groups.find(tx, GroupId(group))
        if found is None:
            return NO_GROUP
        if found.purpose == EXCEPTION:
            return await ask(tx, groups.EXEMPTED, query, group_=group, now=visit.now) or FOREIGN_CURSOR
        return await ask(tx, groups.STANDING, query, group_=group) or FOREIGN_CURSOR

    return await house.store.survey(body)


async def find_group(house: House, visit: Visit, id: str) -> Group | Refused:
    """One group."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)

    async def body(tx: Tx) -> Group | Refused:
        return refused or await groups.find(tx, GroupId(id)) or NO_GROUP

    return await house.store.read(body)


async def user_id(house: House, key: str) -> UserId:
    """
    The id behind *key*, a principal name or an id; an unknown name is its own id, which no account has.

    For whoever has been let through already: the deed that follows judges again and tells what there is not.
    """

    async def body(tx: Tx) -> UserId:
        found = await directory.find_named(tx, normal_name(key))
        return UserId(key) if found is None else found.id

    return await house.store.read(body) if "@" in key else UserId(key)
