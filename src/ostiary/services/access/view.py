"""
One policy as people look at it: what was saved, how it is read, and what those that it names are called.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.core.access.compile import Compiled, Policy, compile_policy
from ostiary.core.access.conditions import CONDITIONS, applications, client_applications, locations, users
from ostiary.core.access.conditions import requester_locations as requesters
from ostiary.core.access.picture import Picture
from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.words.ids import GroupId, PolicyId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.store import Tx, directory, groups, policies
from ostiary.store import locations as places

__all__ = ["Seen", "look_at_policy", "names_in"]

MOST_NAMES = 200
"""People and groups that are looked up for one policy; others are shown by their ids."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is shown of one policy."""

    stored: Stored[PolicyId]
    compiled: Compiled
    names: Mapping[str, str]
    """By the keys of its conditions; what is not there any more has no name."""


async def look_at_policy(house: House, visit: Visit, id: str) -> Seen | Refused:
    """One policy. Refused: NOT_FOUND and who may not look."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def look(tx: Tx, picture: Picture) -> Seen | Refused:
        stored = await policies.find(tx, PolicyId(id))
        if stored is None:
            return Refused(Reason.NOT_FOUND)
        compiled = compile_policy(stored.id, stored.document)
        return Seen(stored, compiled, await names_in(tx, picture, compiled.policy))

    return await settled(house, look, write=False)


async def names_in(tx: Tx, picture: Picture, policy: Policy) -> dict[str, str]:
    """Step: what those that *policy* names are called, by the keys of its conditions."""
    keys = {
        condition.NAME: side.include | side.exclude for condition, side in zip(CONDITIONS, policy.sides, strict=True)
    }
    found = await _people(tx, sorted(keys[users.NAME])[:MOST_NAMES])
    for key in keys[applications.NAME]:
        application = next((one for id, one in picture.applications.items() if id == key), None)
        found |= {key: application.name} if application is not None else {}
    if keys[client_applications.NAME]:
        found |= {one.object_id: one.name for one in picture.applications.values()}
    if keys[locations.NAME] | keys[requesters.NAME]:
        found |= {one.id: str(one.document.get("displayName")) for one in await places.everything(tx)}
    return found


async def _people(tx: Tx, keys: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in keys:
        kind, _, id = key.partition(":")
        if kind == "user":
            user = await directory.find(tx, UserId(id))
            found |= {key: user.display_name} if user is not None else {}
        elif kind == "group":
            group = await groups.find(tx, GroupId(id))
            found |= {key: group.display_name} if group is not None else {}
    return found
