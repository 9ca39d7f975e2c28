"""
An answer for what went wrong before or beside every door, in the shape that the door's callers read.

Graph's envelope, SCIM's error, OAuth's fields (with the statuses of R9) or a small page, chosen by path alone. Says
what kind of trouble it is and the reference to quote, and nothing else.
"""

from html import escape

import orjson

from ostiary.core.graph.error import envelope
from ostiary.core.tokens.refusals import wire
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.instants import to_datetime
from ostiary.core.words.outcome import Reason
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.visit import Scope

__all__ = ["wrong"]

_GRAPH = ("/v1.0/", "/beta/", "/v1.0", "/beta")
_SCIM = "/scim/"
_OAUTH = ("/oauth2/", "/discovery/", "/.well-known/", "/oidc/", "/ssf/", "/backchannel_logout")

_SENTENCES = {
    400: ("Request_BadRequest", "This request cannot be understood."),
    404: ("Request_ResourceNotFound", "There is nothing at this address."),
    405: ("Request_BadRequest", "This address does not take that method."),
    500: ("Service_InternalServerError", "Something went wrong on our side."),
    503: ("Service_Unavailable", "The service cannot do this at the moment. Try again shortly."),
}


def wrong(house: House, scope: Scope, visit: Visit, status: int) -> Answer:
    """
    The answer with *status* (one of 400, 404, 405, 500, 503; anything else counts as 400) for the path of *scope*.
    """
    path: str = scope["path"]
    known = status if status in _SENTENCES else 400
    if path.startswith(_GRAPH):
        return _graph(visit, known)
    if path.startswith(_SCIM):
        return _scim(known)
    if any(part in path for part in _OAUTH):
        return _oauth(path, visit, house.settings.origin, known)
    return _page(visit, known, sample=_sample(house))


def _graph(visit: Visit, status: int) -> Answer:
    code, sentence = _SENTENCES[status]
    document = envelope(code, sentence, now=visit.now, request=visit.id, correlation=visit.correlation)
    return json_answer(status, orjson.dumps(document), (b"request-id", visit.id.encode()))


def _scim(status: int) -> Answer:
    """RFC 7644 §3.12."""
    document = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status),
        "detail": _SENTENCES[status][1],
    }  # fmt: skip
    return json_answer(status, orjson.dumps(document))


def _oauth(path: str, visit: Visit, origin: str, status: int) -> Answer:
    """R9: at the token endpoint nothing is 5xx."""
    reason = {500: Reason.FAULT, 503: Reason.UNAVAILABLE}.get(status, Reason.INVALID_REQUEST)
    entry = wire(reason)
    at_token = path.endswith("/token")
    if status >= 500 and path.endswith("/devicecode"):
        status = entry.device_status
    body = {
        "error": "temporarily_unavailable" if at_token and status >= 500 else entry.error,
        "error_description": f"AADSTS{entry.aadsts}: {_SENTENCES[status][1]} Trace ID: {visit.id}",
        "error_codes": [entry.aadsts],
        "timestamp": to_datetime(visit.now).strftime("%Y-%m-%d %H:%M:%SZ"),
        "trace_id": visit.id,
        "correlation_id": visit.correlation,
        "error_uri": f"{origin}/error/{entry.aadsts}?ref={visit.id}",
    }
    return json_answer(400 if at_token else status, orjson.dumps(body))


def _sample(house: House) -> bool:
    """Whether this is the sample organisation, which says so on each page (R18)."""
    try:
        return house.desk.picture.organisation.sample
    except BrokenState:  # not furnished yet
        return False


def _page(visit: Visit, status: int, *, sample: bool) -> Answer:
    sentence = escape(_SENTENCES[status][1])
    label = 'aria-label="Which organisation this is"'
    banner = f'<aside class="sample" {label}><strong>Sample organisation.</strong></aside>' if sample else ""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{sentence}</title><link rel="stylesheet" href="/static/ostiary.css"></head>'
        f'<body>{banner}<main class="card" id="main"><h1>{sentence}</h1>'
        f'<p class="reference">Reference: <code>{escape(visit.id)}</code></p>'
        '<p><a href="/devicelogin">To the sign-in page</a></p></main></body></html>'
    ).encode()
    kind = (b"content-type", b"text/html; charset=utf-8")
    return Answer(status, [kind, (b"content-length", b"%d" % len(body))], body)
