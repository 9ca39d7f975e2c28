"""
Who is asking: a caller made of one credential, after its session's row was read.

The local door's operating-system user, our own access token, or the cookie of a whole browser session, in this order
and never mixed: a door hands in only the kinds it takes. What does not count is nobody; why is not told. Roles are the
account's as they are now, the scopes are the token's.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ostiary.core.tokens.binding import unheld
from ostiary.core.tokens.browser import BROWSER, BrowserSession, alive, idle_end, to_write
from ostiary.core.tokens.session import alive as token_alive
from ostiary.core.words.caller import NOBODY, Caller, CallerKind, Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, SessionId
from ostiary.core.words.instants import from_seconds, to_seconds
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.keyring import ACCESS
from ostiary.services.tokens.on_devices import still_passes
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.store import Tx, sessions, tokens

LONGEST_COOKIE = 128
LONGEST_TOKEN = 16_384


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought, unverified. Each is empty where the door does not take that kind."""

    cookie: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    dpop: str = field(default="", repr=False)
    """An access token that came with the proof of a key (RFC 9449 §7.1); the visit has the proof."""
    basic: str = field(default="", repr=False)
    """The encoded part of a Basic header; client authentication reads it, callers never come of it."""
    local_user: str = ""
    """The operating-system user at the other end of the local door (R2)."""


async def identify(house: House, credentials: Credentials, visit: Visit, *, watching: bool = False) -> Visit:
    """
    *visit* with the caller that *credentials* prove; the session's row is always read. Nobody is a caller as well.

    A page that only keeps itself up to date is *watching*: that is no use of the session, which goes idle (R16).
    """
    if credentials.local_user:
        return replace(visit, caller=_local(house, credentials.local_user))
    if credentials.dpop and (await note_broken(house, visit, client="") is not None or visit.proof.jkt is None):
        return visit
    if credentials.bearer or credentials.dpop:
        return await _by_token(house, credentials.bearer or credentials.dpop, visit)
    if credentials.cookie:
        return replace(visit, caller=await _by_cookie(house, credentials.cookie, visit, watching=watching))
    return visit


def _local(house: House, name: str) -> Caller:
    """R2: the local door can be switched off."""
    if not house.settings.local_door:
        return NOBODY
    return Caller(CallerKind.LOCAL, id=name, name=name, origin=Origin.LOCAL)


async def _by_cookie(house: House, cookie: str, visit: Visit, *, watching: bool) -> Caller:
    """The person of a whole browser session; its use is written at most once a minute."""
    if len(cookie) > LONGEST_COOKIE:
        return NOBODY

    async def look(tx: Tx) -> tuple[BrowserSession, Caller] | None:
        found = await sessions.by_cookie(tx, digest(cookie))
        if found is None or not alive(*found, kind=BROWSER, now=visit.now):
            return None
        session, user = found
        return session, Caller(
            CallerKind.USER,
            id=user.id,
            name=user.principal_name,
            origin=Origin.BROWSER,
            roles=frozenset(user.roles),
            session=session.id,
            amr=session.amr,
            authenticated_at=session.authenticated,
            passkey=session.passkey,
        )

    found = await house.store.read(look)
    if found is None:
        return NOBODY
    if not watching and to_write(found[0], visit.now):
        await _seen(house, visit, found[0])
    return found[1]


async def _seen(house: House, visit: Visit, session: BrowserSession) -> None:
    idle = idle_end(visit.now, session.ends, house.settings.session_idle)

    async def body(tx: Tx) -> None:
        await sessions.seen(tx, session.id, now=visit.now, idle_ends=idle)

    await house.store.write(body)


async def _by_token(house: House, token: str, visit: Visit) -> Visit:
    """
    The visit of the person of one of our own access tokens for the admin API (RFC 9068 §4), if who brings it holds the
    key that it is bound to.
    """
    found = house.keyring.verify(token, ACCESS, visit.now) if len(token) <= LONGEST_TOKEN else None
    if found is None:
        return visit
    claims = orjson.loads(found.payload)
    wrong = unheld(claims, visit.proof)
    if wrong is not None:
        return replace(visit, proof=replace(visit.proof, refused=wrong))
    caller = await _by_claims(house, claims, visit)
    if "cnf" in claims and caller.session is not None:
        house.proofs.use(caller.session, from_seconds(claims["iat"]), visit.now)
    return replace(visit, caller=caller)


async def _by_claims(house: House, claims: dict[str, Any], visit: Visit) -> Caller:
    """
    The person behind *claims* of ours, while what stands behind them lives.

    The token's word counts for its scopes only; person, client, origin and factors are the session's.
    """
    seconds, audience = to_seconds(visit.now), house.desk.picture.resource(claims["aud"])
    if audience is None or not audience.admin_api or not claims["nbf"] <= seconds < claims["exp"]:
        return NOBODY

    picture = house.desk.picture

    async def look(tx: Tx) -> Caller:
        standing = await tokens.standing(tx, SessionId(claims["sid"]))
        if standing is None:
            return NOBODY
        session, user, exemption = standing
        client = picture.applications.get(AppId(claims["client_id"]))
        lives = token_alive(session, user=user, client=client, exemption=exemption, now=visit.now)
        if not lives or user is None or session.client != claims["client_id"] or user.id != claims["sub"]:
            return NOBODY
        if not await still_passes(tx, picture, session, claims, visit.now):
            return NOBODY
        return Caller(
            CallerKind.USER,
            id=user.id,
            name=user.principal_name,
            origin=session.origin,
            roles=frozenset(user.roles),
            scopes=frozenset(str(claims["scp"]).split()),
            client=session.client,
            session=session.id,
            amr=session.amr,
            authenticated_at=session.authenticated,
        )

    return await house.store.read(look)
