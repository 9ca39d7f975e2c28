"""
Answers of the OAuth endpoints, as bytes.

Owns the shape of errors and of token answers (RFC 6749 §5, R9, R20). What a reason says stands in
`core/tokens/refusals.py`; here it gets its reference, its time and its layout. No framework: the hot paths send these
as they are.
"""

import re
from functools import lru_cache
from urllib.parse import quote

import orjson

from ostiary.core.directory.applications import Application
from ostiary.core.tokens.refusals import Endpoint, Wire, wire
from ostiary.core.words.instants import Instant, from_seconds, to_datetime, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.tokens.issue import Issued
from ostiary.web.front.answer import Answer, json_answer

__all__ = ["correlation", "description", "error_uri", "granted", "pending", "refusal", "timestamp"]

_CHALLENGE = (b"www-authenticate", b'Basic realm="Ostiary"')  # RFC 6749 §5.2: with 401
_CORRELATION = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_ODD = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_SAME = {'"': "'", "\\": "/"}
_PENDING = wire(Reason.PENDING)
# Made once: a poll is the most frequent request of all, and its answer differs in four places only.
_PENDING_TEXT = (
    f'{{"error":"{_PENDING.error}",'
    f'"error_description":"AADSTS{_PENDING.aadsts}: {_PENDING.sentence} {_PENDING.next_step} '
    'Trace ID: %s Correlation ID: %s Timestamp: %s",'
    f'"error_codes":[{_PENDING.aadsts}],"timestamp":"%s","trace_id":"%s","correlation_id":"%s"%s}}'
)


def refusal(
    refused: Refused, visit: Visit, *, application: Application | None, device_endpoint: bool = False, origin: str
) -> Answer:
    """
    The error answer (RFC 6749 §5.2) for *refused* with the status of R9.

    *application* is the registration as far as it is known: it decides names and layout (R20). *origin* is the
    service's own, for the page that explains.
    """
    endpoint = Endpoint.DEVICE if device_endpoint else Endpoint.TOKEN
    family = application is not None and application.microsoft_family
    # R20: fatal for some of them
    entry = _PENDING if family and refused.reason is Reason.SLOW_DOWN else wire(refused.reason)
    stamp = timestamp(visit.now)
    body: dict[str, object] = {
        "error": entry.name(endpoint, entra=application is not None and application.entra_errors),
        "error_description": description(entry, refused, visit, crlf=family),
        "error_codes": [entry.aadsts],
        "timestamp": stamp,
        "trace_id": visit.id,
        "correlation_id": correlation(visit),
        "error_uri": error_uri(entry, refused, visit, origin),
    }
    if entry.suberror:
        body["suberror"] = entry.suberror
    if refused.reason is Reason.NUMBER_AWAITED:
        body["ostiary_confirm"] = "number"
    body |= refused.told
    if refused.rules:
        body["ostiary_rules"] = list(refused.rules)
    status = entry.status_at(endpoint)
    return json_answer(status, orjson.dumps(body), *((_CHALLENGE,) if status == 401 else ()))


def pending(visit: Visit, expires_in: int | None = None) -> Answer:
    """
    `authorization_pending`; *expires_in* is how many seconds the device code still lives, where the client should know
    (R5).
    """
    stamp, reference = timestamp(visit.now), correlation(visit)
    more = "" if expires_in is None else f',"ostiary_expires_in":{expires_in}'
    text = _PENDING_TEXT % (visit.id, reference, stamp, stamp, visit.id, reference, more)
    return json_answer(400, text.encode("ascii"))


def granted(issued: Issued) -> Answer:
    """The token answer (RFC 6749 §5.1)."""
    body: dict[str, object] = {
        "token_type": issued.token_type,
        "scope": issued.scope,
        "expires_in": issued.expires_in,
        "ext_expires_in": issued.expires_in,
        "access_token": issued.access_token,
        "ostiary_session_expires_in": issued.session_expires_in,
    }
    for name, value in (
        ("refresh_token", issued.refresh_token),
        ("id_token", issued.id_token),
        ("client_info", issued.client_info),
        ("issued_token_type", issued.issued_token_type),
    ):
        if value is not None:
            body[name] = value
    body |= issued.told
    return json_answer(200, orjson.dumps(body))


def description(entry: Wire, refused: Refused, visit: Visit, *, crlf: bool) -> str:
    """
    ``AADSTSnnnnn: what happened. what to do next.`` with the references behind it; on lines of their own only for
    MSAL's family (R20).
    """
    sentences = [entry.sentence, refused.detail, _rules(refused), entry.next_step]
    text = _plain(" ".join(sentence for sentence in sentences if sentence))
    references = (
        f"Trace ID: {refused.reference or visit.id}",
        f"Correlation ID: {correlation(visit)}",
        f"Timestamp: {timestamp(visit.now)}",
    )
    return ("\r\n" if crlf else " ").join((f"AADSTS{entry.aadsts}: {text}", *references))


def error_uri(entry: Wire, refused: Refused, visit: Visit, origin: str) -> str:
    """The page that explains this refusal, with the reference that an administrator finds it by."""
    return f"{origin}/error/{entry.aadsts}?ref={quote(refused.reference or visit.id, safe='')}"


def correlation(visit: Visit) -> str:
    """What the client asked to see again, if that is harmless; else our own id."""
    return visit.correlation if _CORRELATION.fullmatch(visit.correlation) else visit.id


def timestamp(now: Instant) -> str:
    """``2026-11-23 08:00:00Z``, as Entra's clients read it."""
    return _second(to_seconds(now))


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return to_datetime(from_seconds(second)).strftime("%Y-%m-%d %H:%M:%SZ")


def _rules(refused: Refused) -> str:
    if not refused.rules:
        return ""
    return f"Policy: {', '.join(refused.rules)}."


def _plain(text: str) -> str:
    """*text* in what RFC 6749 §5.2 allows: printable ASCII without quotes and backslash, no control characters."""
    return _ODD.sub(_harmless, text)[:1024]


def _harmless(odd: re.Match[str]) -> str:
    return _SAME.get(odd[0]) or ("?" if odd[0].isprintable() else " ")
