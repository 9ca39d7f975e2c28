"""
Where events are polled (RFC 8936): at once, or waiting for some, within bounds of time and number.
"""

import asyncio
from collections import Counter
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.signals.delivery import Poll, read_poll
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.services.signals.poll import Polled, poll
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.proofs import offer
from ostiary.web.oauth.door import Endpoint, response
from ostiary.web.oauth.ssf import Asked, asked, no

__all__ = ["ssf_poll"]

WAITS = 20.0  # seconds that a poll waits for events
LOOKS = 0.25  # seconds between two looks
MOST = 256  # polls that wait at once; more are answered at once
MOST_EACH = 2  # of one stream


class _Waiting:
    """How many polls of this process wait, so that nobody can hold it up with them."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def take(self, stream: str) -> bool:
        """Whether one more of *stream* may wait; whoever waited gives its place back."""
        if self._of.total() >= MOST or self._of[stream] >= MOST_EACH:
            return False
        self._of[stream] += 1
        return True

    def give_back(self, stream: str) -> None:
        self._of[stream] -= 1
        if not self._of[stream]:
            del self._of[stream]


def ssf_poll(house: House) -> Endpoint:
    """The endpoint of `/ssf/poll/{stream_id}`."""
    waiting = _Waiting()

    async def answer(request: Request) -> Response:
        read = await asked(house, request)
        if isinstance(read, Answer):
            return response(read)
        wish = read_poll(read.given)
        if isinstance(wish, str):
            wrong = Refused(Reason.INVALID_REQUEST, wish)
            return response(no(house, read.visit, wrong, bearer=bool(read.who.bearer)))
        return response(await _answer(read, request.path_params["stream_id"], wish, waiting))

    return answer


async def _answer(a: Asked, stream: str, wish: Poll, waiting: _Waiting) -> Answer:
    found = await poll(a.house, a.visit, a.who, stream, wish)
    waits = isinstance(found, Polled) and not found.sets and not wish.at_once and wish.most > 0
    if waits and waiting.take(stream):
        try:
            found = await _wait(a, stream, replace(wish, acknowledged=(), errors={}))
        finally:
            waiting.give_back(stream)
    if isinstance(found, Refused):
        return no(a.house, a.visit, found, bearer=bool(a.who.bearer))
    told = orjson.dumps({"sets": found.sets, "moreAvailable": found.more})
    return offer(json_answer(200, told), a.visit)


async def _wait(a: Asked, stream: str, wish: Poll) -> Polled | Refused:
    """Ask again and again until there is something, or the time is up; each time the application proves itself anew."""
    found: Polled | Refused = Polled({}, more=False)
    for _ in range(int(WAITS / LOOKS)):
        await asyncio.sleep(LOOKS)
        found = await poll(a.house, replace(a.visit, now=a.house.clock.now()), a.who, stream, wish)
        if isinstance(found, Refused) or found.sets:
            break
    return found
