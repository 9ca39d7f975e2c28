"""
Back-channel logout's door (OpenID Connect Back-Channel Logout §2.5): an upstream provider tells that somebody is signed
out there. No browser is in it, so no cookie counts and no form token is asked for: the token proves itself.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.words.outcome import Refused
from ostiary.services.house import House
from ostiary.services.tokens.vouching import logged_out
from ostiary.web.front.answer import json_answer
from ostiary.web.front.forms import form
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, response

__all__ = ["PATH", "backchannel_logout"]

PATH = "/signin/upstream/{provider}/backchannel_logout"


def backchannel_logout(house: House) -> Endpoint:
    """The endpoint: 200 when it was done, 400 for anything else (§2.8)."""

    async def answer(request: Request) -> Response:
        fields = await form(request.receive, request.scope)
        token = "" if isinstance(fields, Refused) else fields.get("logout_token", "")
        name = str(request.path_params["provider"])
        done = await logged_out(house, visit(request.scope, house), name, token) if token else None
        if done is None or isinstance(done, Refused):
            wrong = {"error": "invalid_request", "error_description": "This is no logout token for us."}
            return response(json_answer(400, orjson.dumps(wrong)))
        return Response(b"", 200, headers={"cache-control": "no-store"})

    return answer
