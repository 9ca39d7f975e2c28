"""
`/me`: the person who asks, whatever their role. A session that began with a device code may read, and end its own.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.group import GROUP
from ostiary.core.graph.user import USER
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.people import find_user, revoke_sessions
from ostiary.services.directory.search import groups_of
from ostiary.web.graph.resource import Call, Path, acting, listing, reading

__all__ = ["PATHS"]


async def _revoke(call: Call) -> Any:
    ended = await revoke_sessions(call.house, call.visit, call.visit.caller.id)
    return ended if isinstance(ended, Refused) else {"value": True}


PATHS: tuple[Path, ...] = (
    Path(
        "/me",
        (
            reading(
                USER,
                Action.READ_SELF,
                lambda c: find_user(c.house, c.visit, c.visit.caller.id),
                "Get the person who asks",
            ),
        ),
    ),
    Path(
        "/me/memberOf",
        (
            listing(
                GROUP,
                Action.READ_SELF,
                lambda c: groups_of(c.house, c.visit, c.visit.caller.id, c.query),
                "List the groups that the person who asks stands in",
            ),
        ),
    ),
    Path("/me/revokeSignInSessions", (acting(Action.END_OWN, _revoke, "End every session of one's own"),)),
)
