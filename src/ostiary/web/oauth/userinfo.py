"""
Userinfo's door (OIDC Core §5.3), with the challenges of RFC 6750 §3.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.tokens.refusals import wire
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.services.tokens.userinfo import userinfo as about
from ostiary.web.front.answer import json_answer
from ostiary.web.front.credentials import authorization
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, response

__all__ = ["userinfo"]

_REALM = 'Bearer realm="Ostiary"'


def userinfo(house: House) -> Endpoint:
    """The endpoint of `/oidc/userinfo`; the token comes in the Authorization header only."""

    async def answer(request: Request) -> Response:
        token = authorization(request.scope, "bearer")
        if not token:
            return _challenge(401, "", "Send an access token in the Authorization header.")
        found = await about(house, visit(request.scope, house), token)
        if not isinstance(found, Refused):
            return response(json_answer(200, orjson.dumps(found)))
        if found.reason is Reason.FORBIDDEN:
            return _challenge(403, "insufficient_scope", found.detail)
        return _challenge(401, "invalid_token", wire(found.reason).sentence)

    return answer


def _challenge(status: int, error: str, description: str) -> Response:
    """RFC 6750 §3.1: nothing about an error when there was no token at all."""
    header = f'{_REALM}, error="{error}", error_description="{description}"' if error else _REALM
    body = orjson.dumps({"error": error or "invalid_request", "error_description": description})
    return response(json_answer(status, body, (b"www-authenticate", header.encode())))
