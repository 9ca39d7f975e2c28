"""
Whose an identity of an upstream provider is, as an administrator says it.
"""

from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.people import ended_before
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.services.tokens.upstream import end_everything
from ostiary.store import Tx, directory, upstream
from ostiary.store.upstream import Link

__all__ = ["Link", "link_person", "unlink_person"]

NOBODY = Refused(Reason.NOT_FOUND, "There is no such user.")
NO_LINK = Refused(Reason.NOT_FOUND, "This account is linked to nobody elsewhere.")
TAKEN = Refused(Reason.CONFLICT, "That identity belongs to another account.", field="issuerAssignedId")
LINKED = Refused(Reason.CONFLICT, "This account is linked already. Unlink it first.")
STRANGE = Refused(Reason.INVALID_VALUE, "No configured provider calls itself so.", field="issuer")


async def link_person(
    house: House, visit: Visit, id: str, *, issuer: str, subject: str, reason: str = ""
) -> Link | Refused:  # fmt: skip
    """
    Say that the identity *subject* of the provider *issuer* is the account *id*.

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE for an issuer that is not configured, CONFLICT when either
    side is linked.
    """
    known = any(provider.issuer == issuer for provider in house.outside.upstream.providers.values())

    async def body(tx: Tx) -> Link | Refused:
        user = await directory.find(tx, UserId(id))
        refused = judge(Action.WRITE_USERS, visit.caller, now=visit.now) or (None if user else NOBODY)
        refused = refused or (None if known else STRANGE)
        refused = refused or (TAKEN if await upstream.find_link(tx, issuer, subject) else None)
        refused = refused or (LINKED if await upstream.link_of(tx, UserId(id)) else None)
        if refused or user is None:
            return await refuse(tx, visit, Action.WRITE_USERS, refused or NOBODY, target=f"user:{id[:64]}")
        link = Link(issuer, subject, user.id, visit.now)
        await upstream.add_link(tx, link)
        await _told(tx, visit, Kind.LINKED, user, link, reason)
        return link

    return await house.store.write(body)


async def unlink_person(house: House, visit: Visit, id: str, *, reason: str = "") -> Link | Refused:
    """
    Forget who the account *id* is elsewhere; everything of this person ends, since it may stand on that.

    Refused: FORBIDDEN and its kin, NOT_FOUND.
    """

    async def body(tx: Tx) -> Link | Refused:
        user, link = await directory.find(tx, UserId(id)), await upstream.link_of(tx, UserId(id))
        refused = judge(Action.WRITE_USERS, visit.caller, now=visit.now) or (None if user else NOBODY)
        refused = refused or (None if link else NO_LINK)
        if refused or user is None or link is None:
            return await refuse(tx, visit, Action.WRITE_USERS, refused or NO_LINK, target=f"user:{id[:64]}")
        await upstream.unlink(tx, user.id)
        await upstream.drop_all(tx, user.id)
        await end_everything(tx, user, ended_before(visit.now))
        await _told(tx, visit, Kind.UNLINKED, user, link, reason)
        return link

    return await house.store.write(body)


async def _told(tx: Tx, visit: Visit, kind: Kind, user: User, link: Link, reason: str) -> None:
    detail = {
        "user_name": user.principal_name, "provider": "", "issuer": link.issuer, "subject": tame(link.subject),
        "reason": tame(reason),
    }  # fmt: skip
    await record(tx, visit, Entry(kind, target=f"user:{user.id}", detail=detail))
