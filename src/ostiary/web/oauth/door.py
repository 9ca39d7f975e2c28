"""
What every OAuth endpoint of this folder shares: the tenant in the path, the client in form and header, plain answers.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.tokens.clients import Shown
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.front.answer import Answer, Send, send_answer
from ostiary.web.front.forms import Receive
from ostiary.web.front.hot import Asgi, tenant_names
from ostiary.web.front.visit import Scope, visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.posted import posted

__all__ = [
    "ClientForm",
    "Endpoint",
    "client_form",
    "ours",
    "public_json",
    "refused",
    "response",
    "stranger",
    "unknown_tenant",
]

Endpoint = Callable[[Request], Awaitable[Response]]

UNKNOWN_TENANT = Refused(Reason.UNKNOWN_TENANT)


@dataclass(frozen=True, slots=True)
class ClientForm:
    """The form of an endpoint that applications call about a token (RFC 7662 §2.1, RFC 7009 §2.1)."""

    client: Shown
    token: str = field(repr=False)


async def client_form(scope: Scope, receive: Receive, house: House, endpoint: str) -> ClientForm | Refused:
    """The form of this request. INVALID_REQUEST for anything but a POST of one with a token."""
    read = await posted(scope, receive, house, endpoint)
    if isinstance(read, Refused):
        return read
    fields, shown = read
    token = fields.get("token", "")
    if not token:
        return Refused(Reason.INVALID_REQUEST, "The parameter token is missing.", field="token")
    return ClientForm(shown, token)


def stranger(house: House, request: Request, seen: Visit) -> Response | None:
    """The answer to a path whose tenant is not ours (R20); None when it is."""
    return None if ours(house, request) else refused(house, seen, UNKNOWN_TENANT)


def ours(house: House, request: Request) -> bool:
    """Whether the path's tenant is a name of the organisation, in any case."""
    return request.path_params["tenant"].lower() in tenant_names(house.desk.picture.organisation)


def unknown_tenant(house: House) -> Asgi:
    """The hot paths' answer to a tenant that is not ours."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        answer = refusal(UNKNOWN_TENANT, visit(scope, house), application=None, origin=house.settings.origin)
        await send_answer(answer, send)

    return app


def refused(house: House, seen: Visit, why: Refused) -> Response:
    """*why* in the OAuth shape."""
    return response(refusal(why, seen, application=None, origin=house.settings.origin))


def response(answer: Answer) -> Response:
    """*answer* for Starlette."""
    made = Response(answer.body, answer.status)
    made.raw_headers = list(answer.headers)
    return made


def public_json(document: Mapping[str, object] | bytes, *, seconds: int) -> Response:
    """A document that everybody may read and keep for *seconds*."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    kept = {"Cache-Control": f"public, max-age={seconds}", "Access-Control-Allow-Origin": "*"}
    return Response(body, media_type="application/json", headers=kept)
