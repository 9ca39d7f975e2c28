"""
Who the token's person is, for the client that holds it (OIDC Core §5.3).

Answers only to access tokens for our own API that carry `openid`, and only while their session is alive.
"""

from collections.abc import Mapping

from ostiary.core.access.picture import Picture
from ostiary.core.directory.people import User
from ostiary.core.tokens.binding import unheld
from ostiary.core.tokens.scopes import ADMIN_API
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import from_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.tokens.introspect import read_access, standing_claims
from ostiary.store import Tx, directory

__all__ = ["userinfo"]


async def userinfo(house: House, visit: Visit, token: str) -> Mapping[str, object] | Refused:
    """
    The claims about the person behind *token* that its scopes name.

    Refused: BAD_TOKEN for anything that is not a live access token for our API, WRONG_KEY when it is bound to another
    key than the visit proves, FORBIDDEN when it lacks `openid`.
    """
    claims = read_access(house, token, visit.now)
    wrong = unheld(claims, visit.proof)
    if wrong is not None:
        return wrong

    async def body(tx: Tx, picture: Picture) -> Mapping[str, object] | Refused:
        found = await standing_claims(tx, picture, claims, visit.now)
        own = picture.resource(ADMIN_API)
        if found is None or own is None or picture.resource(str(found["aud"])) != own:
            return Refused(Reason.BAD_TOKEN)
        scopes = frozenset(str(found["scope"]).split())
        if "openid" not in scopes:
            return Refused(Reason.FORBIDDEN, "The token lacks the scope openid.")
        user = await directory.find(tx, UserId(str(found["sub"])))
        return Refused(Reason.BAD_TOKEN) if user is None else _about(user, scopes, tenant=str(found["tid"]))

    told = await settled(house, body, write=False)
    if "cnf" in claims:
        house.proofs.use(SessionId(claims["sid"]), from_seconds(claims["iat"]), visit.now)
    return told


def _about(user: User, scopes: frozenset[str], *, tenant: str) -> Mapping[str, object]:
    """OIDC Core §5.4: which claims each scope stands for; `oid` and `tid` as in the id token."""
    told: dict[str, object] = {"sub": user.id, "oid": user.id, "tid": tenant}
    if "profile" in scopes:
        told |= {"name": user.display_name, "preferred_username": user.principal_name}
    if "email" in scopes and user.mail:
        told["email"] = user.mail
    return told
