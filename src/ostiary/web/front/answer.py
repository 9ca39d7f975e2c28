"""
An answer as plain bytes, and the one way to send it.

What hot paths make instead of a framework's response. Knows no cookie and no page.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

__all__ = ["Answer", "Send", "json_answer", "send_answer"]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# RFC 6749 §5.1: answers with tokens, and the errors beside them, must not be kept by anybody.
_JSON = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
)


class Answer(NamedTuple):
    """Status, headers (lower-case names, `content-length` among them) and the whole body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def json_answer(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Answer:
    """*body* (JSON bytes) as an answer that nobody keeps, with *more* headers."""
    return Answer(status, [*_JSON, (b"content-length", b"%d" % len(body)), *more], body)


async def send_answer(answer: Answer, send: Send) -> None:
    """Send *answer* through ASGI's *send*."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
