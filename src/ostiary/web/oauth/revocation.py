"""
Revocation's door (RFC 7009).
"""

from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.words.outcome import Refused
from ostiary.services.house import House
from ostiary.services.tokens.revoke import revoke
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, client_form, refused, stranger

__all__ = ["PATH", "revocation"]

PATH = "/oauth2/v2.0/revoke"


def revocation(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/oauth2/v2.0/revoke`: 200 with an empty body, also for what is unknown (§2.2)."""

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        elsewhere = stranger(house, request, seen)
        if elsewhere is not None:
            return elsewhere
        asked = await client_form(request.scope, request.receive, house, PATH)
        if isinstance(asked, Refused):
            return refused(house, seen, asked)
        wrong = await revoke(house, seen, asked.client, asked.token)
        return refused(house, seen, wrong) if wrong else Response(b"", 200, headers={"Cache-Control": "no-store"})

    return answer
