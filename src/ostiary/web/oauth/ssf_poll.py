"""
Where events are polled (RFC 8936).
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.signals.delivery import read_poll
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.services.signals.poll import poll
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.proofs import offer
from ostiary.web.oauth.door import Endpoint, response
from ostiary.web.oauth.ssf import asked, no

__all__ = ["ssf_poll"]


def ssf_poll(house: House) -> Endpoint:
    """The endpoint of `/ssf/poll/{stream_id}`."""

    async def answer(request: Request) -> Response:
        read = await asked(house, request)
        if isinstance(read, Answer):
            return response(read)
        wish = read_poll(read.given)
        if isinstance(wish, str):
            wrong = Refused(Reason.INVALID_REQUEST, wish)
            return response(no(house, read.visit, wrong, bearer=bool(read.who.bearer)))
        found = await poll(house, read.visit, read.who, request.path_params["stream_id"], wish)
        if isinstance(found, Refused):
            return response(no(house, read.visit, found, bearer=bool(read.who.bearer)))
        told = orjson.dumps({"sets": found.sets, "moreAvailable": found.more})
        return response(offer(json_answer(200, told), read.visit))

    return answer
