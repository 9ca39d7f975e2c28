"""
Stream management's doors (SSF 1.0 §8.1): JSON in, JSON out, for applications that prove themselves.

By Basic, by a TLS client's certificate, or by an access token of our own API (Bearer, or DPoP with its proof); in the
Authorization header alone (RFC 6750 §2.1).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.core.tokens.clients import Shown as Proof
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.signals import streams
from ostiary.services.signals.receivers import Receiver
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.certificate import certificate
from ostiary.web.front.credentials import authorization
from ostiary.web.front.forms import body
from ostiary.web.front.proofs import challenge, offer, proved_with
from ostiary.web.front.visit import visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.door import response
from ostiary.web.oauth.posted import basic

__all__ = ["ADD_SUBJECT", "REMOVE_SUBJECT", "STATUS", "STREAM", "VERIFY", "Asked", "answered", "asked", "no", "ssf"]

STREAM, STATUS, VERIFY = "/ssf/stream", "/ssf/status", "/ssf/verify"
ADD_SUBJECT, REMOVE_SUBJECT = "/ssf/subjects:add", "/ssf/subjects:remove"

Json = Mapping[str, Any]
Deed = Callable[["Asked"], Awaitable[Any]]

_STATUSES = {
    Reason.CLIENT_AUTHENTICATION: 401, Reason.PUBLIC_CLIENT_SECRET: 401, Reason.CLIENT_DISABLED: 401,
    Reason.UNKNOWN_CLIENT: 401, Reason.DPOP_INVALID: 401, Reason.DPOP_NONCE: 401, Reason.WRONG_KEY: 401,
    Reason.FORBIDDEN: 403, Reason.NOT_FOUND: 404, Reason.CONFLICT: 409, Reason.BUSY_SOURCE: 429,
    Reason.UNAVAILABLE: 503,
}  # fmt: skip
"""The tables of SSF 1.0 §8.1; whatever is not here is a mistake of the request."""
_BASIC, _BEARER = b'Basic realm="Ostiary"', b'Bearer realm="Ostiary", error="invalid_token"'
_SCOPE = b'Bearer realm="Ostiary", error="insufficient_scope", scope="ssf.manage"'
_NOT_JSON = Refused(Reason.INVALID_REQUEST, "Send one JSON object of at most 64 KiB.")
_NO_PROOF = Refused(Reason.CLIENT_AUTHENTICATION)


class Asked(NamedTuple):
    """One request."""

    house: House
    visit: Visit
    who: Receiver
    given: Json
    stream: str
    """The query's `stream_id`; empty without one."""


def ssf(house: House) -> list[Route]:
    """Every endpoint but the one that is polled."""
    return [
        _route(house, STREAM, "POST", lambda a: streams.create_stream(a.house, a.visit, a.who, a.given), 201),
        _route(house, STREAM, "GET", _look, 200),
        _route(house, STREAM, "PATCH", lambda a: streams.change_stream(a.house, a.visit, a.who, a.given, whole=False)),
        _route(house, STREAM, "PUT", lambda a: streams.change_stream(a.house, a.visit, a.who, a.given, whole=True)),
        _route(house, STREAM, "DELETE", lambda a: streams.delete_stream(a.house, a.visit, a.who, a.stream), 204),
        _route(house, STATUS, "GET", lambda a: streams.read_status(a.house, a.visit, a.who, a.stream)),
        _route(house, STATUS, "POST", lambda a: streams.set_status(a.house, a.visit, a.who, a.given)),
        _route(house, ADD_SUBJECT, "POST", lambda a: streams.add_subject(a.house, a.visit, a.who, a.given)),
        _route(house, REMOVE_SUBJECT, "POST", lambda a: streams.remove_subject(a.house, a.visit, a.who, a.given), 204),
        _route(house, VERIFY, "POST", lambda a: streams.verify_stream(a.house, a.visit, a.who, a.given), 204),
    ]


async def _look(a: Asked) -> Any:
    """One stream, or all of them where none is named (§8.1.1.2)."""
    if a.stream:
        return await streams.read_stream(a.house, a.visit, a.who, a.stream)
    return await streams.list_streams(a.house, a.visit, a.who)


def _route(house: House, path: str, method: str, deed: Deed, status: int = 200) -> Route:
    async def answer(request: Request) -> Response:
        read = await asked(house, request)
        found = read if isinstance(read, Answer) else await answered(read, deed, status)
        return response(found)

    return Route(path, answer, methods=[method])


async def asked(house: House, request: Request) -> Asked | Answer:
    """The request, or the answer to one that cannot be read or proves nothing."""
    scope = request.scope
    bound = authorization(scope, "dpop")
    bearer = bound or authorization(scope, "bearer")
    seen = proved_with(house, scope, visit(scope, house), bound)
    named, held = basic(scope), certificate(scope, house)
    broken = next((one for one in (named, held) if isinstance(one, Refused)), None) or (
        await note_broken(house, seen, client="")
    )
    if broken is not None:
        return no(house, seen, broken, bearer=bool(bearer))
    if not bearer and named is None:
        return no(house, seen, _NO_PROOF, bearer=False)
    given = {} if request.method in ("GET", "DELETE") else await _json(request)
    if given is None:
        return no(house, seen, _NOT_JSON, bearer=False)
    assert not isinstance(named, Refused)
    assert not isinstance(held, Refused)
    who = Receiver(Proof(basic=named, certificate=held, endpoint=scope["path"]), bearer)
    return Asked(house, seen, who, given, request.query_params.get("stream_id", "")[:64])


async def _json(request: Request) -> Json | None:
    """The body as an object. Receivers differ about its content type, so only what it holds counts."""
    raw = await body(request.receive)
    try:
        read = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


async def answered(a: Asked, deed: Deed, status: int) -> Answer:
    """What *deed* says, as JSON where it says more than that it is done."""
    found = await deed(a)
    if isinstance(found, Refused):
        return no(a.house, a.visit, found, bearer=bool(a.who.bearer))
    if found is True:
        return offer(Answer(status, [(b"cache-control", b"no-store"), (b"content-length", b"0")], b""), a.visit)
    return offer(json_answer(status, orjson.dumps(found)), a.visit)


def no(house: House, seen: Visit, why: Refused, *, bearer: bool) -> Answer:
    """*why* in the OAuth shape, with the status of SSF's tables and the challenge of the scheme that was used."""
    answer = refusal(why, seen, application=None, origin=house.settings.origin)
    status = _STATUSES.get(why.reason, 400)
    headers = [pair for pair in answer.headers if pair[0] != b"www-authenticate"]
    if status == 401:
        headers.append((b"www-authenticate", (challenge(seen) or _BEARER) if bearer else _BASIC))
    elif status == 403 and bearer:
        headers.append((b"www-authenticate", _SCOPE))
    elif status == 429:
        headers.append((b"retry-after", str(max(to_seconds(why.wait), 1)).encode()))
    return offer(Answer(status, headers, answer.body), seen)
