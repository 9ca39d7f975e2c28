"""
Revocation: a client gives back what it holds (RFC 7009).

The token's own client only; a refresh token takes its family along, and so does an access token: both are keys to one
session. A device code that is still pending is withdrawn, so that nothing stays half open. What is unknown, somebody
else's or over already is answered like success (§2.2), and confirms nothing.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens import refresh
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SessionId
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate, spend
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.redeem import withdraw
from ostiary.services.signins.refusals import refuse
from ostiary.services.tokens.grants.refresh_token import REFRESH_TOKENS
from ostiary.services.tokens.introspect import read_access
from ostiary.store import Tx, tokens

__all__ = ["revoke"]


async def revoke(house: House, visit: Visit, shown: Shown, token: str) -> Refused | None:
    """
    End the session that *token* is a key to, if it is the asking client's.

    Refused: the client did not prove itself.
    """
    families, code = _sessions(house, visit, token), digest(token)

    async def body(tx: Tx, picture: Picture) -> Refused | bool:
        asking = authenticate(house, picture, shown, visit.now)
        if isinstance(asking, Refused):
            return asking
        for family in families:
            await _end(tx, visit, asking, family)
        return await withdraw(tx, visit, asking, code)

    used = await spend(house, visit, shown)
    answer = await settled(house, body) if used is None else used
    if isinstance(answer, Refused):
        return await refuse(house, visit, Kind.CLIENT_REFUSED, answer, client=shown.name)
    if answer:  # whoever ended nothing wakes nobody
        house.room.wake(code)
    return None


def _sessions(house: House, visit: Visit, token: str) -> tuple[SessionId, ...]:
    """The session that *token* names, whichever kind it is: a wrong hint must not keep a token alive (§2.1)."""
    found = next((read for key in house.vault.derived_each(REFRESH_TOKENS) if (read := refresh.read(key, token))), None)
    if found is not None:
        return (found[0],)
    claims = read_access(house, token, visit.now)
    return (SessionId(claims["sid"]),) if claims else ()


async def _end(tx: Tx, visit: Visit, asking: Application, family: SessionId) -> None:
    """Step: end *family* and write it down, if it is *asking*'s and not over."""
    session = await tokens.find(tx, family)
    if session is None or session.client != asking.id:
        return
    if await tokens.end(tx, family, now=visit.now, cause="revoked"):
        detail = {"session": family, "client": asking.id, "user": session.user, "cause": "revoked"}
        await record(tx, visit, Entry(Kind.REVOKED, target=f"session:{family}", story=session.story, detail=detail))
