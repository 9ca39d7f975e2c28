"""
Forms: bodies read with a bound and parsed strictly, once, at the door (RFC 8628 §3.1, RFC 6749 §3.2).

A parameter without a value counts as omitted; one that comes twice makes the request invalid; nothing is guessed.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from ostiary.core.words.outcome import Reason, Refused

__all__ = ["LARGEST", "Receive", "Scope", "body", "form", "parse"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Scope = MutableMapping[str, Any]

LARGEST = 65_536  # bytes of a body
MOST = 64  # fields
URN = 128  # bytes of a name that is remembered

_TYPE = b"application/x-www-form-urlencoded"

TOO_LARGE = Refused(Reason.INVALID_REQUEST, "The request is too large.")
WRONG_TYPE = Refused(Reason.INVALID_REQUEST, "Send a form: application/x-www-form-urlencoded in UTF-8.")
BROKEN = Refused(Reason.INVALID_REQUEST, "The form cannot be read as application/x-www-form-urlencoded in UTF-8.")
TOO_MANY = Refused(Reason.INVALID_REQUEST, "The form has too many fields.")


async def body(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than 64 KiB or the client went away."""
    message = await receive()
    if not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole if len(whole) <= LARGEST and message["type"] == "http.request" else None
    chunks, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body") and size <= LARGEST:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    return b"".join(chunks) if size <= LARGEST else None


async def form(receive: Receive, scope: Scope) -> dict[str, str] | Refused:
    """The fields of a form that was posted. INVALID_REQUEST when it is anything else."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    kind, _, parameter = next((value for name, value in headers if name == b"content-type"), b"").partition(b";")
    if kind.strip().lower() != _TYPE or not _utf8(parameter):
        return WRONG_TYPE
    raw = await body(receive)
    return TOO_LARGE if raw is None else parse(raw)


def _utf8(parameter: bytes) -> bool:
    """Whether a content type's parameter (`charset=…`) leaves UTF-8 standing."""
    name, _, value = parameter.strip().lower().partition(b"=")
    return not name or name != b"charset" or value.strip(b' "') in (b"utf-8", b"utf8")


def parse(raw: bytes) -> dict[str, str] | Refused:
    """*raw* as fields: UTF-8, each name once, empty values left out."""
    fields: dict[str, str] = {}
    seen: set[str] = set()
    pairs = raw.split(b"&") if raw else []
    if len(pairs) > MOST:
        return TOO_MANY
    try:
        for pair in pairs:
            if not pair:
                continue
            name, _, value = pair.partition(b"=")
            key = _decode(name)
            if key in seen:
                return Refused(Reason.INVALID_REQUEST, "A parameter came more than once.", field=key[:64])
            seen.add(key)
            if value:
                fields[key] = _decode(value)
    except UnicodeDecodeError:
        return BROKEN
    return BROKEN if "\0" in "".join(fields.values()) else fields


def _decode(text: bytes) -> str:
    if b"%" not in text and b"+" not in text:
        return text.decode()
    # Grant types, in every poll: 5 % of what one costs. No secret begins like this, so this may be kept.
    return _urn(text) if text.startswith(b"urn%3A") and len(text) <= URN else _unquoted(text)


def _unquoted(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")


_urn = lru_cache(maxsize=32)(_unquoted)
