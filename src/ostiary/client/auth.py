"""
`httpx.Auth` with a sign-in of Ostiary: adds the token, and the proof of its key where it is bound to one (RFC 9449),
renews it before its end, tries once more when a server refuses it.

The token goes to the origins that were named and to no other: a redirect or a mistyped host must not get it (RFC 6750
§5.3). Works with `httpx.Client` and `httpx.AsyncClient`.
"""

from collections.abc import AsyncGenerator, Generator, Iterable

import httpx

from ostiary.client.discovery import checked_address, origin_of
from ostiary.client.errors import Misused
from ostiary.client.proofs import Prover
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
        prover = self._session.prover()
        response = yield _with(request, token, prover)
        if prover is not None and _learned(request, response, prover):
            response.read()
            response = yield _with(request, token, prover)
        if _again(request, response):
            response.read()
            token, prover = self._session.token(self._scope, refused=token).token, self._session.prover()
            response = yield _with(request, token, prover)
        _learn(request, response, prover)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx's entry for asyncio."""
        self._check(request)
        token = (await self._session.token_async(self._scope)).token
        prover = self._session.prover()
        response = yield _with(request, token, prover)
        if prover is not None and _learned(request, response, prover):
            await response.aread()
            response = yield _with(request, token, prover)
        if _again(request, response):
            await response.aread()
            fresh = await self._session.token_async(self._scope, refused=token)
            prover = self._session.prover()
            response = yield _with(request, fresh.token, prover)
        _learn(request, response, prover)

    def _check(self, request: httpx.Request) -> None:
        origin = origin_of(str(request.url))
        if origin not in self._origins:
            raise Misused(f"this token is not for {origin}")


def _with(request: httpx.Request, token: str, prover: Prover | None) -> httpx.Request:
    request.headers["authorization"] = f"{'Bearer' if prover is None else 'DPoP'} {token}"
    if prover is not None:
        request.headers["dpop"] = prover.header(request.method, str(request.url), token)
    return request


def _learn(request: httpx.Request, response: httpx.Response, prover: Prover | None) -> bool:
    """Take what the server says for the next proof; whether that is news."""
    headers = response.headers
    return prover is not None and prover.learn(str(request.url), headers.get("dpop-nonce"), headers.get("date"))


def _learned(request: httpx.Request, response: httpx.Response, prover: Prover) -> bool:
    """Whether a second try with another proof can help: only the proof was refused, and the next one is better."""
    news = _learn(request, response, prover)
    return news and _refused(request, response) and "dpop_" in response.headers.get("www-authenticate", "")


def _refused(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether the request was refused for its credentials, and its body can be sent again."""
    return response.status_code == 401 and isinstance(request.stream, httpx.ByteStream)


def _again(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether a second try with a new token can help: the token was refused as such, and the body can be sent again."""
    if not _refused(request, response):
        return False
    challenge = response.headers.get("www-authenticate", "")
    return "insufficient_user_authentication" not in challenge  # a renewed token is no younger sign-in (RFC 9470)
