"""
Outgoing requests: the one client for everything that the service asks of others (R24).

Owns names, connections and limits: a name is resolved once, each of its addresses is judged, and the connection goes to
an address that was judged, while TLS still proves the name (so a name that points elsewhere a moment later changes
nothing); no redirects, no compression, no cookies, 64 KiB each way, 5 seconds for all of it; proxies only where
configured. What may be asked is decided in `core/words/destinations`. Says nothing about what an answer means.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, partial
from ipaddress import ip_address
from pathlib import Path

import httpx

from ostiary.core.words.destinations import PUBLIC, Address, Destinations, Place, literal, place_of

__all__ = ["LARGEST", "TOTAL", "Answer", "Outgoing", "OutgoingFailed", "Resolve", "Trouble", "Unanswered"]

TOTAL = 5.0
"""Seconds for a whole request: waiting for its turn, name, connection, TLS, question and answer."""
LARGEST = 65_536
"""Bytes of a body, of the question and of the answer."""
CONNECT = 2.0  # seconds for one address, so that the next still has its turn
ADDRESSES = 4  # of one name that are tried
AT_ONCE = 32  # requests, unless a client is made for more
RESOLVERS = 4  # threads; a name server that hangs holds up other names, never the service

Resolve = Callable[[str, int], Awaitable[tuple[Address, ...]]]
"""The addresses of a host, in the order in which to try them; OSError where there are none."""


class Trouble(StrEnum):
    """Why there is no answer."""

    BARRED = "barred"
    """Not to be asked: no https, or an address inside that is not listed."""
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    """No connection, or its certificate does not prove the name."""
    SLOW = "slow"
    TOO_BIG = "too_big"
    REDIRECTED = "redirected"
    BROKEN = "broken"
    """The answer is no HTTP, is compressed, or broke off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status that is no redirect, headers with lower-case names, at most 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """There is no answer. *host* is who was asked; of the question and of what came nothing is told (secrets)."""

    trouble: Trouble
    host: str = ""


class OutgoingFailed(httpx.TransportError):
    """What the transport raises; `Outgoing.ask` makes a value of it."""

    def __init__(self, trouble: Trouble, host: str = "") -> None:
        super().__init__(f"{trouble.value} {host}".strip())
        self.unanswered = Unanswered(trouble, host)


class Outgoing:
    """
    The client. *authorities* is a PEM file with certificate authorities to believe beside the machine's own, *proxy*
    a forward proxy (``http://host:port``) through which everything goes that is not listed; it then decides about
    names, since it resolves them. *at_once* requests have a turn. Raises ValueError where *authorities* cannot be read.
    """

    def __init__(
        self, destinations: Destinations = PUBLIC, *, authorities: Path | None = None, proxy: str = "",
        resolve: Resolve | None = None, at_once: int = AT_ONCE,
    ) -> None:  # fmt: skip
        self._destinations, self._proxy = destinations, proxy
        self._tls = _context(authorities) if authorities is not None else None
        self._resolve = resolve or self._system
        self._turn = asyncio.Semaphore(at_once)

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | Unanswered:
        """One request to *url* and its answer, whatever its status unless that is a redirect."""
        try:
            async with httpx.AsyncClient(transport=self.transport(), trust_env=False) as client:
                came = await client.request(method, url, headers=headers, content=body)
        except OutgoingFailed as failed:
            return failed.unanswered
        except (httpx.HTTPError, httpx.InvalidURL):
            return Unanswered(Trouble.BARRED)
        return Answer(came.status_code, dict(came.headers), came.content)

    async def deliver(self, place: Place, data: bytes) -> Unanswered | None:
        """
        *data* over TLS to the host and port of *place*, for what has no answers. None: it was taken, as far as that
        can be known: the other side closed the connection after all that was sent before, with TLS's close_notify or
        a bare FIN, since common receivers send only that. Goes through no proxy, so with one only to what is listed.
        """
        try:
            async with asyncio.timeout(TOTAL), self._turn:
                if len(data) > LARGEST:
                    return Unanswered(Trouble.TOO_BIG, place.host)
                if self._proxy and not self._destinations.listed(place):
                    return Unanswered(Trouble.BARRED, place.host)
                await self._hand_over(place, data)
        except OutgoingFailed as failed:
            return failed.unanswered
        except TimeoutError:
            return Unanswered(Trouble.SLOW, place.host)
        except OSError:
            return Unanswered(Trouble.BROKEN, place.host)
        return None

    async def _hand_over(self, place: Place, data: bytes) -> None:
        """Raises OutgoingFailed, OSError, TimeoutError."""
        writer = None
        for address in await self._admitted(place):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.wait_for(
                    asyncio.open_connection(
                        str(address), place.port, ssl=self._trust, server_hostname=place.host,
                        ssl_shutdown_timeout=TOTAL,
                    ),
                    CONNECT,
                )  # fmt: skip
                break
        if writer is None:
            raise OutgoingFailed(Trouble.UNREACHABLE, place.host)
        try:
            writer.write(data)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except BaseException:
            writer.transport.abort()
            raise

    def bars(self, place: Place) -> bool:
        """Whether *place* may never be asked, as far as its scheme and an address in place of a name tell."""
        return self._destinations.bars(place)

    def transport(self) -> httpx.AsyncBaseTransport:
        """
        The same with all its limits, for a library that speaks httpx; it raises OutgoingFailed. A client around it
        needs `trust_env=False`.
        """
        return _Transport(self)

    def close(self) -> None:
        """Let go of the threads."""
        pool = self.__dict__.get("_pool")
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Send *request* within all limits. Raises OutgoingFailed."""
        place = place_of(str(request.url))
        if place is None or self._destinations.bars(place):  # whoever connects, we or a proxy
            raise OutgoingFailed(Trouble.BARRED, place.host if place else "")
        try:
            async with asyncio.timeout(TOTAL), self._turn:
                if len(await request.aread()) > LARGEST:
                    raise OutgoingFailed(Trouble.TOO_BIG, place.host)
                return await self._to(place, request)
        except (TimeoutError, httpx.TimeoutException):
            raise OutgoingFailed(Trouble.SLOW, place.host) from None

    async def _to(self, place: Place, request: httpx.Request) -> httpx.Response:
        if self._proxy and not self._destinations.listed(place):
            return await self._exchange(place, request, request.url, self._proxy)
        addresses = await self._admitted(place)
        for address in addresses[:-1]:
            try:
                return await self._exchange(place, request, request.url.copy_with(host=str(address)))
            except OutgoingFailed as failed:
                if failed.unanswered.trouble is not Trouble.UNREACHABLE:  # nothing was asked yet
                    raise
        return await self._exchange(place, request, request.url.copy_with(host=str(addresses[-1])))

    async def _admitted(self, place: Place) -> tuple[Address, ...]:
        """
        Where to connect: looked up once. One address that may not be asked bars the name: honest names do not mix.
        """
        address = literal(place.host)
        try:
            found = (address,) if address is not None else await self._resolve(place.host, place.port)
        except (OSError, UnicodeError):
            raise OutgoingFailed(Trouble.UNKNOWN_HOST, place.host) from None
        if not found:
            raise OutgoingFailed(Trouble.UNKNOWN_HOST, place.host)
        if not all(self._destinations.admits(place, each) for each in found):
            raise OutgoingFailed(Trouble.BARRED, place.host)
        return found[:ADDRESSES]

    async def _exchange(self, place: Place, request: httpx.Request, url: httpx.URL, proxy: str = "") -> httpx.Response:
        """
        One connection for one request: pooled ones are found by address, and two names at one address are not one
        server. The Host header and the name that TLS proves stay those that were asked for.
        """
        limits = {"connect": CONNECT, "read": TOTAL, "write": TOTAL, "pool": TOTAL}
        pinned = httpx.Request(
            request.method, url, headers=_plain(request.headers), content=request.content,
            extensions={"sni_hostname": place.host, "timeout": limits},
        )  # fmt: skip
        once = httpx.Limits(max_connections=1, max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(
            verify=self._trust, http2=False, limits=once, trust_env=False, proxy=httpx.Proxy(proxy) if proxy else None
        )
        try:
            async with transport:
                came = await transport.handle_async_request(pinned)
                return await _read(place, came, request)
        except (httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError):
            raise OutgoingFailed(Trouble.UNREACHABLE, place.host) from None
        except (httpx.TimeoutException, OutgoingFailed):
            raise
        except httpx.TransportError:
            raise OutgoingFailed(Trouble.BROKEN, place.host) from None

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Made when first needed: reading the machine's authorities takes a while, and most houses ask nobody."""
        return self._tls or _context(None)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(RESOLVERS, thread_name_prefix="names")

    async def _system(self, host: str, port: int) -> tuple[Address, ...]:
        """The machine's resolver, in threads of its own."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._pool, ask)
        return tuple(dict.fromkeys(ip_address(str(where[0])) for *_, where in found))


class _Transport(httpx.AsyncBaseTransport):
    """`Outgoing` as httpx wants it."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._outgoing.carry(request)


def _context(authorities: Path | None) -> ssl.SSLContext:
    """The machine's certificate authorities, and the operator's."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is not None:
        try:
            context.load_verify_locations(cafile=authorities)
        except OSError as wrong:  # ssl.SSLError is one
            raise ValueError(f"{authorities}: no certificate authorities in PEM ({type(wrong).__name__})") from None
    return context


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Without compression: a small answer could grow to any size."""
    kept = [(name, value) for name, value in headers.multi_items() if name != "accept-encoding"]
    return [*kept, ("accept-encoding", "identity")]


async def _read(place: Place, came: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The whole answer, or none of it."""
    if 300 <= came.status_code < 400:
        raise OutgoingFailed(Trouble.REDIRECTED, place.host)
    if came.headers.get("content-encoding", "identity").lower() != "identity":
        raise OutgoingFailed(Trouble.BROKEN, place.host)
    parts, size = [], 0
    async for part in came.aiter_raw():
        size += len(part)
        if size > LARGEST:
            raise OutgoingFailed(Trouble.TOO_BIG, place.host)
        parts.append(part)
    kept = [
        (name, value) for name, value in came.headers.multi_items() if name not in ("transfer-encoding", "set-cookie")
    ]
    return httpx.Response(came.status_code, headers=kept, content=b"".join(parts), request=request)
