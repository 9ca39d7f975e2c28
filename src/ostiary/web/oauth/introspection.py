"""
Introspection's door (RFC 7662), a hot path: plain ASGI, no framework.
"""

import orjson

from ostiary.core.words.errors import OstiaryError
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.introspect import introspect
from ostiary.web.front.answer import Answer, Send, json_answer, send_answer
from ostiary.web.front.forms import Receive, Scope
from ostiary.web.front.hot import Asgi
from ostiary.web.front.visit import visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.door import client_form

__all__ = ["PATH", "introspection"]

PATH = "/oauth2/v2.0/introspect"

_INACTIVE = json_answer(200, b'{"active":false}')
"""The one answer to everything that is not to be told (R19)."""

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
    try:
        found = await introspect(house, seen, asked.client, asked.token)
    except OstiaryError:  # a service that cannot look says so: neither active nor inactive would be true
        return Answer(503, *_refused(house, seen, Refused(Reason.UNAVAILABLE))[1:])
    if found is None:
        return _INACTIVE
    return _refused(house, seen, found) if isinstance(found, Refused) else json_answer(200, orjson.dumps(found))


def _refused(house: House, seen: Visit, why: Refused) -> Answer:
    return refusal(why, seen, application=None, origin=house.settings.origin)
