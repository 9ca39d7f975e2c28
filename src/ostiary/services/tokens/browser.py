"""
Sessions at the browser after sign-in: ending them, and what somebody has open.

A session is found by the digest of its cookie; ending it is one compare-and-swap. Signing in is `sign_in`'s work,
making a caller of a cookie `caller`'s.
"""

from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.browser import BrowserSession
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, sessions

KEPT = days(1)
"""How long a session that is over stays in the store."""


@dataclass(frozen=True, slots=True)
class Mine:
    """What a person has open now: sessions of every kind, and windows through the block."""

    sessions: tuple[BrowserSession, ...]
    exemptions: tuple[Exemption, ...]


async def mine(house: House, visit: Visit) -> Mine | Refused:
    """What the caller has open. Refused: NOT_SIGNED_IN and its kin."""
    user, refused = visit.caller.user, judge(Action.READ_SELF, visit.caller, now=visit.now)
    if refused or user is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)

    async def body(tx: Tx) -> Mine:
        open_ = await sessions.of_user(tx, user, now=visit.now)
        return Mine(tuple(open_), tuple(await exemptions.standing(tx, user, visit.now)))

    return await house.store.read(body)


async def end_own(house: House, visit: Visit, id: str) -> SessionId | Refused:
    """End one of one's own sessions, this one included. Refused: NOT_FOUND for any other."""
    user, refused = visit.caller.user, judge(Action.END_OWN, visit.caller, now=visit.now)
    if refused or user is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    target = SessionId(id[:64])

    async def body(tx: Tx) -> SessionId | Refused:
        if not await sessions.end(tx, target, user, now=visit.now, cause="ended"):
            missing = Refused(Reason.NOT_FOUND, "That session is over.")
            return await refuse(tx, visit, Action.END_OWN, missing, target=f"session:{target}")
        detail = {"session": target, "own": True, "user_name": visit.caller.name}
        await record(tx, visit, Entry(Kind.SIGNED_OUT, target=f"user:{user}", detail=detail))
        return target

    return await house.store.write(body)


async def sign_out(house: House, visit: Visit) -> None:
    """End the caller's own session; nothing to do when there is none."""
    if visit.caller.session is not None:
        await end_own(house, visit, visit.caller.session)


async def tend_sessions(house: House, visit: Visit) -> int:
    """
    Job: forget sessions of every kind that have been over for a day; how many there were. The journal keeps their
    story.
    """
    before = after(visit.now, Span(-KEPT))

    async def body(tx: Tx) -> int:
        return await sessions.sweep(tx, before)

    return await house.store.write(body)
