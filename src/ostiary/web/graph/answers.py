"""
Answers of the admin API as plain bytes: documents, nothing, and every kind of no.

Nobody may keep an answer, and each carries the reference under which it is found in the log.
"""

from typing import Any

import orjson

from ostiary.core.directory.permissions import FRESH
from ostiary.core.graph.error import Invalid, Meaning, envelope, meaning, problems_of, sentence
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.front.answer import Answer
from ostiary.web.front.proofs import challenge

__all__ = ["entity", "not_allowed", "nothing", "options", "refusal", "too_much", "unsupported"]

Header = tuple[bytes, bytes]

_JSON = (b"content-type", b"application/json; odata.metadata=minimal; charset=utf-8")
_BAD_METHOD = Meaning(405, "Request_BadRequest", "The resource does not take this method.")
_BAD_TYPE = Meaning(415, "Request_BadRequest", "The body must be application/json in UTF-8, not compressed.")
_BAD_SIZE = Meaning(413, "Request_BadRequest", "The body is larger than 64 KiB.")


def _answer(status: int, body: bytes, visit: Visit, *headers: Header) -> Answer:
    common = [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"request-id", visit.id.encode("ascii", "replace")),
    ]
    if visit.correlation:
        common.append((b"client-request-id", visit.correlation.encode("ascii", "replace")))
    if visit.proof.nonce:
        common.append((b"dpop-nonce", visit.proof.nonce.encode()))
    if status != 204:
        common += [(b"content-length", b"%d" % len(body))]
    return Answer(status, [*common, *headers], body)


def entity(status: int, document: dict[str, Any], visit: Visit, *headers: Header) -> Answer:
    """*document* as JSON."""
    return _answer(status, orjson.dumps(document), visit, _JSON, *headers)


def nothing(visit: Visit, *headers: Header) -> Answer:
    """204: done, and nothing to say."""
    return _answer(204, b"", visit, *headers)


def options(visit: Visit, methods: tuple[str, ...]) -> Answer:
    """Which methods there are. No CORS: no page of another origin may call."""
    return _answer(204, b"", visit, (b"allow", ", ".join(methods).encode()))


def not_allowed(visit: Visit, methods: tuple[str, ...]) -> Answer:
    """405 with what is allowed (RFC 9110 §15.5.6)."""
    return _no(_BAD_METHOD, visit, (b"allow", ", ".join(methods).encode()))


def unsupported(visit: Visit) -> Answer:
    """415: not JSON by its header."""
    return _no(_BAD_TYPE, visit)


def too_much(visit: Visit) -> Answer:
    """413. The rest of the body is not read, so the connection ends."""
    return _no(_BAD_SIZE, visit, (b"connection", b"close"))


def _no(row: Meaning, visit: Visit, *headers: Header) -> Answer:
    document = envelope(row.code, row.message, now=visit.now, request=visit.id, correlation=visit.correlation)
    return entity(row.status, document, visit, *headers)


def refusal(refused: Refused | Invalid, visit: Visit, house: House) -> Answer:
    """A refusal in Graph's envelope, with a challenge when signing in (again) would help."""
    reason = Reason.INVALID_VALUE if isinstance(refused, Invalid) else refused.reason
    row = meaning(reason)
    if row.status == 401 and visit.proof.refused is not None:  # why nobody is signed in
        refused, row = visit.proof.refused, meaning(visit.proof.refused.reason)
    document = envelope(
        row.code,
        sentence(refused),
        now=visit.now,
        request=visit.id,
        correlation=visit.correlation,
        problems=problems_of(refused),
    )
    asked = _challenge(reason, house) if reason is Reason.STEP_UP else challenge(visit) or _challenge(reason, house)
    headers = [(b"www-authenticate", asked)] if row.status == 401 else []
    if row.status == 503:
        headers.append((b"retry-after", b"1"))
    return entity(row.status, document, visit, *headers)


def _challenge(reason: Reason, house: House) -> bytes:
    """RFC 6750 §3, and RFC 9470 §3 where proof must be fresh."""
    where = f'authorization_uri="{house.settings.origin}/common/oauth2/v2.0/authorize"'
    if reason is Reason.STEP_UP:
        error = f'error="insufficient_user_authentication", max_age="{to_seconds(FRESH)}"'
        return f'Bearer realm="", {where}, {error}'.encode("latin-1", "replace")
    return f'Bearer realm="", {where}, error="invalid_token"'.encode("latin-1", "replace")
