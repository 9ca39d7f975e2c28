"""
The compliance webhook: an MDM posts what it knows of machines, signed as Standard Webhooks says. Ours, in no RFC.

200 with how many machines are another now, 401 for whatever is not genuine or not of now, 400 for what cannot be read.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.devices.webhook import Signed
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.devices.compliance import Heard, hear
from ostiary.services.house import House
from ostiary.web.front.answer import json_answer
from ostiary.web.front.forms import body
from ostiary.web.front.visit import Scope, headers, visit
from ostiary.web.oauth.door import Endpoint, refused, response, stranger

__all__ = ["PATH", "compliance"]

PATH = "/oauth2/v2.0/compliance"
_HEADERS = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
_LONGEST = 1024  # bytes of one of them


def compliance(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/oauth2/v2.0/compliance`."""

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        elsewhere = stranger(house, request, seen)
        if elsewhere is not None:
            return elsewhere
        raw, named = await body(request.receive), _named(request.scope)
        if raw is None or named is None:
            wrong = Refused(Reason.INVALID_REQUEST, "Send the three webhook headers once, and at most 64 KiB of JSON.")
            return refused(house, seen, wrong)
        return _answer(house, seen, await hear(house, seen, Signed(*named, raw)))

    return answer


def _named(scope: Scope) -> tuple[str, str, str] | None:
    """Id, timestamp and signatures; None unless each came once and short."""
    found = [headers(scope, name) for name in _HEADERS]
    if any(len(values) != 1 or len(values[0]) > _LONGEST for values in found):
        return None
    id, timestamp, signatures = (values[0].decode("latin-1") for values in found)
    return id, timestamp, signatures


def _answer(house: House, seen: Visit, heard: Heard | Refused) -> Response:
    if isinstance(heard, Refused):
        return refused(house, seen, heard)
    document = {"changed": heard.changed, "unknown": list(heard.unknown), "again": heard.again}
    return response(json_answer(200, orjson.dumps(document)))
