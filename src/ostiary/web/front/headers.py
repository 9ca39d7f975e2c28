"""
The headers of R16, on every answer that did not set its own.

A page that must allow more (an authorization page, exactly the origin of its validated redirect URI) sets its own
`Content-Security-Policy`; nothing here widens it.
"""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.services.house import House

__all__ = ["HEADERS", "content_security_policy", "page_headers"]


def content_security_policy(*form_targets: str) -> str:
    """R16's policy; *form_targets* are origins that a form may lead to beside our own (Chromium counts redirects)."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; form-action " + " ".join(("'self'", *form_targets))
    )


HEADERS = (
    (b"content-security-policy", content_security_policy().encode()),
    (b"cache-control", b"no-store"),
    # With no-referrer browsers would send `Origin: null` on form posts.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


def page_headers(app: ASGIApp, _house: House) -> ASGIApp:
    """*app* with `HEADERS` on its answers."""

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                more = _missing(tuple([name for name, _ in own]))
                message = {**message, "headers": [*own, *more]}
            await send(message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return with_headers


@lru_cache(maxsize=256)  # a door sends the same names again and again
def _missing(own: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """`HEADERS` without those of the names *own*, in any case."""
    names = {name.lower() for name in own}
    return tuple(pair for pair in HEADERS if pair[0] not in names)
