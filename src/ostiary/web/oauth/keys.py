"""
The published keys (RFC 7517 §5): all that verify now, the next one before it signs included.
"""

from starlette.requests import Request
from starlette.responses import Response

from ostiary.services.house import House
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, public_json, stranger

__all__ = ["KEPT", "keys"]

KEPT = 900  # seconds; shorter than a new key is shown before it signs, so nobody meets a key that they cannot know


def keys(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/discovery/v2.0/keys`."""

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        return stranger(house, request, seen) or public_json(house.keyring.jwks(seen.now), seconds=KEPT)

    return answer
