"""
Introspection's door (RFC 7662), a hot path: plain ASGI, no framework.
"""

import orjson

from ostiary.core.words.errors import OstiaryError
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.introspect import introspect
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.web.front.answer import Answer, Send, json_answer, send_answer
from ostiary.web.front.credentials import authorization
from ostiary.web.front.forms import Receive, Scope
from ostiary.web.front.hot import Asgi
from ostiary.web.front.proofs import challenge, offer, proved_with
from ostiary.web.front.visit import visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.door import client_form

__all__ = ["PATH", "introspection"]

PATH = "/oauth2/v2.0/introspect"

_INACTIVE = json_answer(200, b'{"active":false}')
"""The one answer to everything that is not to be told (R19)."""

_BEARER = b'Bearer realm="Ostiary", error="invalid_token"'
_POST_ONLY = Refused(Reason.INVALID_REQUEST, "Send this as POST.")


def introspection(house: House) -> Asgi:
    """The application for `/{tenant}/oauth2/v2.0/introspect`; the tenant was matched before."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = visit(scope, house)
        if scope["method"] != "POST":
            refused = _refused(house, seen, _POST_ONLY)
            await send_answer(Answer(405, [*refused.headers, (b"allow", b"POST")], refused.body), send)
            return
        await send_answer(await _answer(house, seen, scope, receive), send)

    return app


async def _answer(house: House, seen: Visit, scope: Scope, receive: Receive) -> Answer:
    asked = await client_form(scope, receive, house, PATH)
    if isinstance(asked, Refused):
        return _refused(house, seen, asked)
    bound = authorization(scope, "dpop")
    bearer, seen = bound or authorization(scope, "bearer"), proved_with(house, scope, seen, bound)
    try:
        broken = await note_broken(house, seen, client=asked.client.name)
        found = broken or await introspect(house, seen, asked.client, asked.token, bearer=bearer)
    except OstiaryError:  # a service that cannot look says so: neither active nor inactive would be true
        return Answer(503, *_refused(house, seen, Refused(Reason.UNAVAILABLE))[1:])
    if found is None:
        return _INACTIVE
    if isinstance(found, Refused):
        answer = _refused(house, seen, found)
        told = bearer and (answer.status == 401 or seen.proof.refused is not None)
        return offer(_challenged(answer, challenge(seen)) if told else answer, seen)
    return offer(json_answer(200, orjson.dumps(found)), seen)


def _challenged(answer: Answer, key: bytes | None) -> Answer:
    """RFC 7662 §2.3: a token that does not do is told as RFC 6750 §3 says, or as RFC 9449 §7.1 about a *key*."""
    others = [pair for pair in answer.headers if pair[0] != b"www-authenticate"]
    return Answer(401, [*others, (b"www-authenticate", key or _BEARER)], answer.body)


def _refused(house: House, seen: Visit, why: Refused) -> Answer:
    return refusal(why, seen, application=None, origin=house.settings.origin)
