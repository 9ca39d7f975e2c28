"""
Performing the steps of an exchange: once with threads and `httpx.Client`, once with asyncio and `httpx.AsyncClient`.

The only place of the headless side that sends anything. Owns the bounds of an answer (size, total time) and the
translation of transport faults; redirects are never followed, a token request must not travel. No protocol rules here.
"""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import httpx

from ostiary.client.certificate import ClientCertificate, tls_context
from ostiary.client.errors import ServerFault
from ostiary.client.exchange import (
    Answer,
    Arrived,
    Await,
    Call,
    Event,
    Exchange,
    Listen,
    Listening,
    Lost,
    Pause,
    Question,
    Reply,
    Step,
    Tell,
    Typed,
    Woke,
)
from ostiary.client.loopback import Loopback
from ostiary.client.machine import Machine
from ostiary.client.traces import Spans

__all__ = ["Asker", "Teller", "http_client", "http_client_async", "ignore", "nobody", "run", "run_async"]

T = TypeVar("T")
Teller = Callable[[Event], None]
Asker = Callable[[Event, float], str | None]
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_HEADERS = {"user-agent": "ostiary-client", "accept-encoding": "identity"}


def http_client(pair: ClientCertificate | None = None) -> httpx.Client:
    """
    A client that trusts what the system trusts, or `SSL_CERT_FILE`, honours the proxy variables, and shows the
    certificate of *pair* to servers that ask for one. Raises Misused when that cannot be used.
    """
    return httpx.Client(verify=tls_context(pair), timeout=_TIMEOUT)


def http_client_async(pair: ClientCertificate | None = None) -> httpx.AsyncClient:
    """The same for asyncio."""
    return httpx.AsyncClient(verify=tls_context(pair), timeout=_TIMEOUT)


def ignore(event: Event) -> None:
    """Tell nobody."""


def nobody(event: Event, seconds: float) -> str | None:
    """Nobody is there to ask."""
    return None


def run(
    exchange: Exchange[T], *, http: httpx.Client, machine: Machine, tell: Teller = ignore, ask: Asker = nobody,
    spans: Spans | None = None,
) -> T:  # fmt: skip
    """Perform *exchange* to its end; its result is returned, what it raises goes on. *spans* notes each request."""
    reply: Reply | BaseException | None = None
    with _Desk(machine, tell, ask, spans) as desk:
        while True:
            try:
                step = _resume(exchange, reply)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                reply = desk.perform(step, http)
            except BaseException as fault:  # Ctrl-C too: the exchange may give something back, then raises it again
                reply = fault


async def run_async(
    exchange: Exchange[T], *, http: httpx.AsyncClient, machine: Machine, tell: Teller = ignore, ask: Asker = nobody
) -> T:
    """The same for asyncio."""
    reply: Reply | BaseException | None = None
    with _Desk(machine, tell, ask) as desk:
        while True:
            try:
                step = _resume(exchange, reply)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                reply = await desk.perform_async(step, http)
            except BaseException as fault:
                reply = fault


def _resume(exchange: Exchange[Any], reply: Reply | BaseException | None) -> Step:
    if reply is None:
        return next(exchange)
    if isinstance(reply, BaseException):
        return exchange.throw(reply)
    return exchange.send(reply)


class _Desk:
    """What one run has at hand: the machine, the listener if there is one, and somebody to tell."""

    def __init__(self, machine: Machine, tell: Teller, ask: Asker, spans: Spans | None = None) -> None:
        self._machine = machine
        self._spans = spans
        self._tell = tell
        self._ask = ask
        self._loopback: Loopback | None = None

    def __enter__(self) -> "_Desk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loopback is not None:
            self._loopback.__exit__(kind, value, trace)

    def perform(self, step: Step, http: httpx.Client) -> Reply:
        clock = self._machine.monotonic
        if isinstance(step, Call):
            return self._call(step, http, clock)
        if isinstance(step, Pause):
            self._machine.sleep(step.seconds)
        if isinstance(step, Question):
            typed = self._ask(step.event, step.seconds)
            return Typed(clock(), typed)
        if isinstance(step, Await):
            return Arrived(clock(), self._listener().wait(step.seconds, step.state, clock))
        return self._at_once(step)

    async def perform_async(self, step: Step, http: httpx.AsyncClient) -> Reply:
        clock = self._machine.monotonic
        if isinstance(step, Call):
            return await _send_async(step, http, clock)
        if isinstance(step, Pause):
            await self._machine.sleep_async(step.seconds)
        if isinstance(step, Question):
            typed = await asyncio.to_thread(self._ask, step.event, step.seconds)
            return Typed(clock(), typed)
        if isinstance(step, Await):
            until = clock() + step.seconds
            query = None
            while query is None and clock() < until:
                query = await asyncio.to_thread(self._listener().turn, step.state)
            return Arrived(clock(), query)
        return self._at_once(step)

    def _call(self, step: Call, http: httpx.Client, clock: Callable[[], float]) -> Answer | Lost:
        if self._spans is None:
            return _send(step, http, clock)
        step, span = self._spans.before(step)
        reply = _send(step, http, clock)
        self._spans.after(step, span, reply)
        return reply

    def _at_once(self, step: Step) -> Reply:
        if isinstance(step, Tell):
            self._tell(step.event)
        if isinstance(step, Listen):
            self._loopback = Loopback(step.path)
            return Listening(self._machine.monotonic(), self._loopback.address)
        return Woke(self._machine.monotonic())

    def _listener(self) -> Loopback:
        if self._loopback is None:
            raise RuntimeError("an exchange waits for the browser and has opened no listener")
        return self._loopback


def _send(step: Call, http: httpx.Client, clock: Callable[[], float]) -> Answer | Lost:
    body = _Body(step, clock)
    try:
        with http.stream(step.method, step.url, **_arguments(step)) as response:
            for chunk in response.iter_raw():
                body.add(chunk)
            return body.answer(response)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as fault:
        return _lost(fault, clock())


async def _send_async(step: Call, http: httpx.AsyncClient, clock: Callable[[], float]) -> Answer | Lost:
    body = _Body(step, clock)
    try:
        async with http.stream(step.method, step.url, **_arguments(step)) as response:
            async for chunk in response.aiter_raw():
                body.add(chunk)
            return body.answer(response)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as fault:
        return _lost(fault, clock())


def _arguments(step: Call) -> dict[str, Any]:
    found: dict[str, Any] = {"headers": {**_HEADERS, **step.headers}, "follow_redirects": False}
    found["timeout"] = httpx.Timeout(step.patience, connect=min(step.patience, 10.0))
    if step.form is not None:
        found["data"] = dict(step.form)
    if step.content is not None:
        found["json"] = step.content
    return found


class _Body:
    """An answer's body as it arrives, within its limits of size and of total time."""

    def __init__(self, step: Call, clock: Callable[[], float]) -> None:
        self._parts = bytearray()
        self._limit = step.limit
        self._clock = clock
        self._until = clock() + 2 * step.patience

    def add(self, chunk: bytes) -> None:
        self._parts += chunk
        if len(self._parts) > self._limit:
            raise ServerFault(f"the server's answer is longer than {self._limit // 1024} KiB")
        if self._clock() > self._until:  # a server that drips never runs into a read timeout
            raise httpx.ReadTimeout("the answer takes too long")

    def answer(self, response: httpx.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(self._clock(), response.status_code, bytes(self._parts), headers)


def _lost(fault: Exception, at: float) -> Lost:
    certificate = _certificate_fault(fault)
    if certificate:
        hint = "its certificate is not trusted here (SSL_CERT_FILE names a file of authorities to trust)"
        return Lost(at, f"{hint}: {certificate}", final=True)
    final = isinstance(fault, httpx.UnsupportedProtocol | httpx.InvalidURL | ValueError)
    return Lost(at, str(fault) or type(fault).__name__, final)


def _certificate_fault(fault: BaseException | None) -> str | None:
    for _ in range(10):
        if fault is None:
            return None
        if isinstance(fault, ssl.SSLCertVerificationError):
            return str(fault.verify_message)
        fault = fault.__cause__ or fault.__context__
    return None
