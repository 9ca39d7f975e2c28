"""
Userinfo's door (OIDC Core §5.3), with the challenges of RFC 6750 §3 and RFC 9449 §7.1.
"""

from collections.abc import Mapping
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.tokens.refusals import wire
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.services.tokens.userinfo import userinfo as about
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.credentials import authorization
from ostiary.web.front.proofs import challenge, offer, proved_with
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, response

__all__ = ["userinfo"]

_REALM = 'Bearer realm="Ostiary"'


def userinfo(house: House) -> Endpoint:
    """The endpoint of `/oidc/userinfo`; the token comes in the Authorization header only."""

    async def answer(request: Request) -> Response:
        bound = authorization(request.scope, "dpop")
        token = bound or authorization(request.scope, "bearer")
        if not token:
            return response(_challenge(401, "", "Send an access token in the Authorization header."))
        seen = proved_with(house, request.scope, visit(request.scope, house), bound)
        found = await note_broken(house, seen, client="") or await about(house, seen, token)
        return response(offer(_answer(seen, found), seen))

    return answer


def _answer(seen: Visit, found: Mapping[str, object] | Refused) -> Answer:
    if not isinstance(found, Refused):
        return json_answer(200, orjson.dumps(found))
    if found.reason is Reason.FORBIDDEN:
        return _challenge(403, "insufficient_scope", found.detail)
    asked = replace(seen, proof=replace(seen.proof, refused=found)) if found.reason is Reason.WRONG_KEY else seen
    return _challenge(401, "invalid_token", wire(found.reason).sentence, challenge(asked))


def _challenge(status: int, error: str, description: str, header: bytes | None = None) -> Answer:
    """RFC 6750 §3.1: nothing about an error when there was no token at all."""
    bearer = f'{_REALM}, error="{error}", error_description="{description}"' if error else _REALM
    body = orjson.dumps({"error": error or "invalid_request", "error_description": description})
    return json_answer(status, body, (b"www-authenticate", header or bearer.encode()))
