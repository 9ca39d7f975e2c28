"""
Load from one process: some connections to 127.0.0.1, each playing requests one after another, each answer checked.

Why not wrk: a grant is several requests that carry data from one answer to the next, on the same sign-in, and
wrk's Lua hands an answer to a script without saying which connection it belongs to, and counts a wrong answer as work.
Here a connection plays a generator: it yields the bytes of a request and is sent the answer.

What that costs: 50 to 77 microseconds of CPU a request where it was measured beside oidc-provider at 280 to 680 on the
same machine, so it has a core of its own to spare. Beside a server that is cheaper than that, the rate is bounded by
this process and only the server's CPU time compares. Knows HTTP/1.1 with Content-Length only.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlencode

import uvloop

CONNECTIONS: Final = 32
END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `head` is the status line and the headers, as they came."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of the header *name*; ValueError when it is missing."""
        start = self.head.lower().index(b"\r\n" + name.lower().encode() + b":") + len(name) + 3
        end = self.head.find(b"\r\n", start)
        return self.head[start : len(self.head) if end < 0 else end].decode().strip()


Flow: TypeAlias = Generator[bytes, Answer, Any]  # yields requests, is sent answers; what it returns is its caller's


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run measured: answers in the window, its length (s), CPU of the server in it (s), latencies (s)."""

    requests: int
    seconds: float
    cpu_seconds: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """Server CPU per request, in microseconds."""
        return self.cpu_seconds / self.requests * 1e6

    def percentile(self, of: float) -> float:
        """Return the latency (ms) under which the share *of* of the answers stayed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * of))] * 1000


class UnexpectedAnswer(Exception):
    """A server answered otherwise than the workload says; the whole run counts for nothing."""


def expect(answer: Answer, status: int, *parts: bytes) -> Answer:
    """Return *answer* if it has *status* and a body with all *parts*; raise UnexpectedAnswer if not."""
    if answer.status != status or any(part not in answer.body for part in parts):
        raise UnexpectedAnswer(f"wanted {status} with {parts}, got {answer.status}: {answer.body[:500]!r}")
    return answer


def post(path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of a form POST on a connection that stays open."""
    body = urlencode(form)
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n{more}\r\n{body}"
    ).encode()


def basic(name: str, secret: str) -> dict[str, str]:
    """Return the Authorization header of HTTP Basic (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def run(
    port: int, flow: Callable[[], Flow], *, warm_up: float, seconds: float, cpu_seconds: Callable[[], float],
    rate: float = 0.0, began: Callable[[], None] = lambda: None,
) -> Sample:  # fmt: skip
    """
    Load 127.0.0.1:*port* with *flow* on each connection; measure for *seconds* after *warm_up* (both s). *rate*: so
    many requests a second are due, however fast answers come, and latencies count from when they were due (0: one after
    the other, as fast as answers come). *began* is called when the load begins.
    """
    return uvloop.run(_run(port, flow, warm_up, seconds, cpu_seconds, rate, began))


async def _run(
    port: int, flow: Callable[[], Flow], warm_up: float, seconds: float, cpu_seconds: Callable[[], float], rate: float,
    begin: Callable[[], None],
) -> Sample:  # fmt: skip
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    latencies: list[float] = []
    apart = CONNECTIONS / rate if rate else 0.0
    seats = [_Seat(flow(), latencies, failed, apart, at / CONNECTIONS) for at in range(CONNECTIONS)]
    begin()
    try:
        for seat in seats:
            await loop.create_connection(lambda seat=seat: seat, "127.0.0.1", port)  # type: ignore[misc]
        await _time_passes(warm_up, failed)
        latencies.clear()
        began, cpu_began = time.perf_counter(), cpu_seconds()
        await _time_passes(seconds, failed)
        measured, cpu = tuple(latencies), cpu_seconds() - cpu_began
        if not measured:
            raise UnexpectedAnswer(f"not one answer in {seconds} s")
        return Sample(len(measured), time.perf_counter() - began, cpu, measured)
    finally:
        for seat in seats:
            seat.leave()


async def _time_passes(seconds: float, failed: asyncio.Future[None]) -> None:
    await asyncio.wait([failed], timeout=seconds)
    if failed.done():
        failed.result()


class _Seat(asyncio.Protocol):
    """One connection: plays its flow, writes down how long each answer took."""

    def __init__(
        self, flow: Flow, latencies: list[float], failed: asyncio.Future[None], apart: float, place: float
    ) -> None:
        """Its requests are due *apart* seconds from one another (0: at once), *place* of that after the others'."""
        self._flow = flow
        self._apart, self._due = apart, time.perf_counter() + apart * place
        self._latencies = latencies
        self._failed = failed
        self._buffer = b""
        self._sent = 0.0
        self._left = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has the methods, not the ancestor
        self._send(next(self._flow))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        try:
            answer = None if self._left else _whole(self._buffer)
            if answer is not None:
                self._latencies.append(time.perf_counter() - self._sent)
                self._buffer = b""
                self._next(self._flow.send(answer))
        except Exception as problem:
            self._fail(problem)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._left:
            self._fail(exc or UnexpectedAnswer("the server closed a connection"))

    def leave(self) -> None:
        """Close the connection; nothing that follows is a failure."""
        self._left = True
        if self._transport is not None:
            self._transport.abort()

    def _next(self, request: bytes) -> None:
        """Send *request* when it is due; where that is over, at once, and its latency tells."""
        self._due = max(self._due + self._apart, self._sent)
        wait = self._due - time.perf_counter()
        if self._apart and wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send, request, self._due)
        else:
            self._send(request, self._due if self._apart else 0.0)

    def _send(self, request: bytes, due: float = 0.0) -> None:
        assert self._transport is not None
        if self._left:
            return
        self._sent = due or time.perf_counter()
        self._transport.write(request)

    def _fail(self, problem: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(problem)


def _whole(data: bytes) -> Answer | None:
    """Return the answer in *data*, None while it is incomplete. One request at a time: nothing can follow it."""
    end = data.find(END_OF_HEAD)
    if end < 0:
        return None
    head = data[:end]
    at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        raise UnexpectedAnswer(f"an answer without Content-Length: {head!r}")
    stop = head.find(b"\r\n", at + 2)
    length = int(head[at + 17 : stop if stop > 0 else end])
    body = data[end + 4 :]
    return Answer(int(head[9:12]), head, body) if len(body) >= length else None
