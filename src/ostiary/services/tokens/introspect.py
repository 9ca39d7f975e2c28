"""
Introspection: what a token is worth now, for those who may know (R19, RFC 7662).

Owns who sees which token and what is told of it. Each answer looks at session, person, client and exemption as they
are in the store at this moment; only the signature's verification is remembered. Everything that is not told is
`None`, without a reason, after the same reading of the store.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import INTROSPECT, Application
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.binding import unheld
from ostiary.core.tokens.clients import Shown
from ostiary.core.tokens.session import alive
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId, SessionId
from ostiary.core.words.instants import Instant, from_seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate, spend
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.signins.refusals import refuse
from ostiary.services.tokens.keyring import ACCESS
from ostiary.services.tokens.on_devices import still_passes
from ostiary.store import Tx, tokens

__all__ = ["Active", "holder", "introspect", "read_access", "standing_claims"]

Active = Mapping[str, Any]
"""What an active token says (RFC 7662 §2.2)."""

_NOTHING = SessionId("")
_TOLD = ("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "auth_time", "amr", "tid", "oid", "sid", "cnf",
         "idtyp", "roles", "ostiary_workload")  # fmt: skip


async def introspect(
    house: House, visit: Visit, shown: Shown, token: str, *, bearer: str = ""
) -> Active | Refused | None:
    """
    What *token* is worth to the application that asks; None is ``{"active": false}``. The application proves itself, or
    shows an access token of its own (*bearer*).

    Refused: the application did not prove itself; a public one never does (CLIENT_AUTHENTICATION). INVALID_REQUEST for
    both at once.
    """
    if bearer and (shown.name or shown.client_secret or shown.assertion or shown.assertion_type):
        refused = Refused(Reason.INVALID_REQUEST, "Prove the application, or send its token; not both.")
        return await refuse(house, visit, Kind.CLIENT_REFUSED, refused, client=shown.name)
    claims, own = read_access(house, token, visit.now), read_access(house, bearer, visit.now) if bearer else {}
    if bearer and unheld(own, visit.proof) is not None:  # bound to another key than the one that was proved
        own = {}

    async def body(tx: Tx, picture: Picture) -> Active | Refused | None:
        asking = (
            await holder(tx, picture, own, visit.now, frozenset({INTROSPECT}))
            if bearer
            else authenticate(house, picture, shown, visit.now)
        )
        if isinstance(asking, Refused):
            return asking
        if asking.public:
            return Refused(Reason.CLIENT_AUTHENTICATION)
        found = await standing_claims(tx, picture, claims, visit.now)
        return found if found is not None and _may_see(picture, asking, found) else None

    used = await spend(house, visit, shown)
    answer = await settled(house, body, write=False) if used is None else used
    if isinstance(answer, Refused):
        return await refuse(house, visit, Kind.CLIENT_REFUSED, answer, client=shown.name)
    if answer is not None and "cnf" in answer:
        house.proofs.use(SessionId(answer["sid"]), from_seconds(answer["iat"]), visit.now)
    return answer


async def holder(
    tx: Tx, picture: Picture, claims: dict[str, Any], now: Instant, scopes: frozenset[str]
) -> Application | Refused:
    """
    Step: the application that a live access token for our own API with one of *scopes* was given to. One that began
    with a device code asks in vain: who holds it may be somebody else's machine (R3).
    """
    found = await standing_claims(tx, picture, claims, now)
    if found is None or not scopes & set(str(found["scope"]).split()) or to_seconds(now) < found["nbf"]:
        return Refused(Reason.CLIENT_AUTHENTICATION)
    audience = picture.resource(str(found["aud"]))
    if audience is None or not audience.admin_api or found["ostiary_origin"] != Origin.BROWSER:
        return Refused(Reason.CLIENT_AUTHENTICATION)
    return picture.applications[AppId(found["client_id"])]


def read_access(house: House, token: str, now: Instant) -> dict[str, Any]:
    """The claims of an access token of ours that has not expired; empty for anything else."""
    verified = house.keyring.verify(token, ACCESS, now)
    if verified is None:
        return {}
    claims: dict[str, Any] = orjson.loads(verified.payload)
    return claims if to_seconds(now) < claims["exp"] else {}


async def standing_claims(tx: Tx, picture: Picture, claims: dict[str, Any], now: Instant) -> Active | None:
    """
    Step: what a token with *claims* is worth now, with `username` where there is a person; None when its session gives
    nothing any more.

    The store is read whether there are claims or not, so that the answer takes the same time.
    """
    found = await tokens.standing(tx, SessionId(claims["sid"]) if claims else _NOTHING)
    if found is None or not claims:
        return None
    session, user, exemption = found
    client = picture.applications.get(AppId(claims["client_id"]))
    if session.client != claims["client_id"] or session.user != claims["sub"]:
        return None
    if not alive(session, user=user, client=client, exemption=exemption, now=now):
        return None
    if not await still_passes(tx, picture, session, claims, now):
        return None
    told = {name: claims[name] for name in _TOLD if name in claims}
    if user is not None:
        told["username"] = user.principal_name
    return {
        "active": True, "token_type": "DPoP" if "jkt" in claims.get("cnf", ()) else "Bearer",
        "scope": claims["scp"] if "scp" in claims else " ".join(claims["roles"]),
        "ostiary_origin": claims["ostiary_origin"], **told,
    }  # fmt: skip


def _may_see(picture: Picture, asking: Application, claims: Active) -> bool:
    """Whether *asking* is the token's audience or a registered gateway of it (R19)."""
    resource = picture.resource(str(claims["aud"]))
    return resource is not None and (resource.id == asking.id or resource.id in picture.looks_after(asking))
