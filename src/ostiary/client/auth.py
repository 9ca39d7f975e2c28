"""
`httpx.Auth` with a sign-in of Ostiary: adds the Bearer token, renews it before its end, tries once more when a server
refuses it.

The token goes to the origins that were named and to no other: a redirect or a mistyped host must not get it (RFC 6750
§5.3). Works with `httpx.Client` and `httpx.AsyncClient`.
"""

from collections.abc import AsyncGenerator, Generator, Iterable

import httpx

from ostiary.client.discovery import checked_address, origin_of
from ostiary.client.errors import Misused
from ostiary.client.session import Session

__all__ = ["OstiaryAuth"]


class OstiaryAuth(httpx.Auth):
    """
    Use as ``httpx.Client(auth=OstiaryAuth(session, ["https://api.example.com"]))``.

    *scope* is the resource's, the sign-in's own by default. Requests raise what `ostiary.client.session.fresh` raises.
    """

    def __init__(self, session: Session, origins: Iterable[str], *, scope: str | None = None) -> None:
        self._session = session
        self._origins = frozenset(origin_of(checked_address(origin)) for origin in origins)
        self._scope = scope

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx's entry for threads."""
        self._check(request)
        token = self._session.token(self._scope).token
        response = yield _with(request, token)
        if _again(request, response):
            response.read()
            yield _with(request, self._session.token(self._scope, refused=token).token)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx's entry for asyncio."""
        self._check(request)
        token = (await self._session.token_async(self._scope)).token
        response = yield _with(request, token)
        if _again(request, response):
            await response.aread()
            yield _with(request, (await self._session.token_async(self._scope, refused=token)).token)

    def _check(self, request: httpx.Request) -> None:
        origin = origin_of(str(request.url))
        if origin not in self._origins:
            raise Misused(f"this token is not for {origin}")


def _with(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token}"
    return request


def _again(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether a second try with a new token can help: the token was refused as such, and the body can be sent again."""
    if response.status_code != 401 or not isinstance(request.stream, httpx.ByteStream):
        return False
    challenge = response.headers.get("www-authenticate", "")
    return "insufficient_user_authentication" not in challenge  # a renewed token is no younger sign-in (RFC 9470)
