"""
`/users`: accounts, by id or principal name, and what an administrator does to them.

Through the local door only an administrator may be made or recovered (R2), so each operation names both actions and the
deed finds out which it is.
"""

from typing import Any

from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.group import GROUP
from ostiary.core.graph.user import USER
from ostiary.core.words.instants import between, minutes, to_iso, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.access_pass import make_pass
from ostiary.services.directory.credentials import invite
from ostiary.services.directory.erase import erase_user
from ostiary.services.directory.people import (
    Change,
    NewUser,
    change_user,
    create_user,
    delete_user,
    find_user,
    revoke_sessions,
)
from ostiary.services.directory.search import groups_of, search_users, user_id
from ostiary.services.tokens.links import Link, link_person, unlink_person
from ostiary.web.graph.resource import REASON, Call, Path, acting, changing, creating, listing, reading, removing

__all__ = ["PATHS", "changes_of"]

_READ = (Action.READ_DIRECTORY, Action.READ_SELF)
_WRITE = (Action.WRITE_USERS, Action.RECOVER_ADMINISTRATOR)
_END = (Action.WRITE_USERS, Action.END_OWN)
_PASS: tuple[Field[Any], ...] = (
    Field("lifetimeInMinutes", Kind.INTEGER, write="lifetime", doc="10 to 480; 60 when nothing is said."),
    Field("isUsableOnce", Kind.BOOL, write="once", doc="Whether it counts once (so unless false) or until its end."),
    *REASON,
)
_IDENTITY: tuple[Field[Any], ...] = (
    Field("issuer", Kind.STRING, write="issuer", limit=512, required=True, doc="What the provider calls itself."),
    Field(
        "issuerAssignedId", Kind.STRING, write="subject", limit=255, required=True,
        doc="What it calls the person (`sub`): never an address.",
    ),
    *REASON,
)  # fmt: skip


def _roles(call: Call) -> frozenset[Role] | None:
    return frozenset(Role(role) for role in call.changes["roles"]) if "roles" in call.changes else None


async def _create(call: Call) -> Any:
    asked = {name: value for name, value in call.changes.items() if name != "roles"}
    new = NewUser(**asked, roles=_roles(call) or frozenset(), reason=call.reason)
    return await create_user(call.house, call.visit, new)


def changes_of(call: Call) -> Change:
    """The body as a change; a mail of null takes the address away."""
    asked = {name: value for name, value in call.changes.items() if name != "roles"}
    if "mail" in asked:
        asked["mail"] = asked["mail"] or ""
    return Change(**asked, roles=_roles(call), reason=call.reason)


async def _change(call: Call) -> Any:
    return await change_user(call.house, call.visit, await _id(call), changes_of(call))


async def _id(call: Call) -> str:
    return await user_id(call.house, call.path["id"])


async def _delete(call: Call) -> Any:
    return await delete_user(call.house, call.visit, await _id(call))


async def _groups(call: Call) -> Any:
    return await groups_of(call.house, call.visit, await _id(call), call.query)


async def _revoke(call: Call) -> Any:
    ended = await revoke_sessions(call.house, call.visit, await _id(call))
    return ended if isinstance(ended, Refused) else {"value": True}


async def _erase(call: Call) -> Any:
    gone = await erase_user(call.house, call.visit, await _id(call), call.reason)
    return gone if isinstance(gone, Refused) else {"value": True}


async def _password_link(call: Call) -> Any:
    return await _invited(call, factors=False)


async def _reset_mfa(call: Call) -> Any:
    return await _invited(call, factors=True)


async def _invited(call: Call, *, factors: bool) -> Any:
    """The link, shown this once: only its digest is kept."""
    link = await invite(call.house, call.visit, await _id(call), factors=factors, reason=call.reason)
    return link if isinstance(link, Refused) else {"url": link.address, "expires": to_iso(link.ends)}


async def _link(call: Call) -> Any:
    asked = call.changes
    made = await link_person(
        call.house, call.visit, await _id(call), issuer=asked.get("issuer", ""), subject=asked.get("subject", ""),
        reason=call.reason,
    )  # fmt: skip
    return made if isinstance(made, Refused) else _identity(made)


async def _unlink(call: Call) -> Any:
    gone = await unlink_person(call.house, call.visit, await _id(call), reason=call.reason)
    return gone if isinstance(gone, Refused) else _identity(gone)


def _identity(link: Link) -> dict[str, str]:
    """Graph's `objectIdentity`."""
    return {"signInType": "federated", "issuer": link.issuer, "issuerAssignedId": link.subject}


async def _access_pass(call: Call) -> Any:
    """The pass, shown this once: only its digest is kept."""
    asked = call.changes
    made = await make_pass(
        call.house, call.visit, await _id(call), lifetime=minutes(asked.get("lifetime", 60)),
        once=asked.get("once", True), reason=call.reason,
    )  # fmt: skip
    if isinstance(made, Refused):
        return made
    return {
        "temporaryAccessPass": made.code,
        "isUsableOnce": made.once,
        "lifetimeInMinutes": to_seconds(between(call.visit.now, made.ends)) // 60,
        "expires": to_iso(made.ends),
    }


PATHS: tuple[Path, ...] = (
    Path(
        "/users",
        (
            listing(USER, Action.READ_DIRECTORY, lambda c: search_users(c.house, c.visit, c.query)),
            creating(USER, _WRITE, _create),
        ),
    ),
    Path(
        "/users/{id}",
        (
            reading(USER, _READ, lambda c: find_user(c.house, c.visit, c.path["id"])),
            changing(USER, _WRITE, _change),
            removing(USER, Action.WRITE_USERS, _delete),
        ),
    ),
    Path("/users/{id}/memberOf", (listing(GROUP, _READ, _groups, "List the groups that a person stands in"),)),
    Path("/users/{id}/revokeSignInSessions", (acting(_END, _revoke, "End every session of a person"),)),
    Path(
        "/users/{id}/ostiary.erase",
        (acting(Action.WRITE_USERS, _erase, "Erase what is known of a person, in the journal too", fields=REASON),),
    ),
    Path(
        "/users/{id}/ostiary.passwordLink",
        (acting(_WRITE, _password_link, "Make a link behind which the person sets a password", fields=REASON),),
    ),
    Path(
        "/users/{id}/ostiary.resetMfa",
        (acting(_WRITE, _reset_mfa, "Take a person's second factor away, and make a link", fields=REASON),),
    ),
    Path(
        "/users/{id}/ostiary.link",
        (acting(Action.WRITE_USERS, _link, "Say who a person is at an upstream provider", fields=_IDENTITY),),
    ),
    Path(
        "/users/{id}/ostiary.unlink",
        (acting(Action.WRITE_USERS, _unlink, "Forget who a person is elsewhere; all of theirs ends", fields=REASON),),
    ),
    Path(
        "/users/{id}/authentication/temporaryAccessPassMethods",
        (acting(_WRITE, _access_pass, "Make a temporary access pass, with which a passkey is enrolled", fields=_PASS),),
    ),
)
