"""
A running server for tests: the product's own composition root on a free loopback port, with TLS by a local CA.

Only the clock is not the product's: it follows the real one and jumps ahead when a test says so. It runs in a thread
with an event loop of its own, so a test may block on it, with a browser or a client program in between.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
import uvloop

from ostiary.app.config import Config
from ostiary.app.sample import DOMAIN, Secret, found_sample
from ostiary.app.serve import SOCKET, serve
from ostiary.app.wiring import Parts, close_house, open_house, open_parts
from ostiary.core.directory.founding import ADMIN_API, AZURE_CLI, GRAPH_CLI, OSTIARY_CLI
from ostiary.core.words.instants import Instant, Span, after, seconds, to_seconds
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.tls import Reloader
from ostiary.outside.totp import STEP_SECONDS
from ostiary.services.house import House

EXEMPTIONS = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
CLIENTS = {"azure-cli": AZURE_CLI, "graph-cli": GRAPH_CLI, "ostiary-cli": OSTIARY_CLI, "admin-api": ADMIN_API}
PATIENCE = 60.0  # seconds until a start or an end that does not come is a failure


class RunningClock:
    """The machine's clock, and what tests let pass beside it."""

    def __init__(self) -> None:
        """As late as it is."""
        self._real = SystemClock()
        self._ahead = Span(0)

    def now(self) -> Instant:
        """The wall clock."""
        return after(self._real.now(), self._ahead)

    def steady(self) -> Instant:
        """The monotonic clock: what passes, passes here too."""
        return after(self._real.steady(), self._ahead)

    def move(self, span: Span) -> None:
        """Let *span* pass; never backwards, because a steady clock does not."""
        assert span >= 0
        self._ahead = Span(self._ahead + span)


@dataclass
class Human:
    """One person of the sample organisation, with an authenticator app that is never asked twice in one step."""

    username: str
    password: str = field(repr=False)
    roles: tuple[str, ...]
    _seed: str = field(repr=False)
    _clock: RunningClock = field(repr=False)
    _last: int = 0

    def totp(self) -> str:
        """A code that was not used yet; where the last one was of this step, half a minute passes first."""
        step = to_seconds(self._clock.now()) // STEP_SECONDS
        if step <= self._last:
            self._clock.move(seconds((self._last + 1 - step) * STEP_SECONDS))
            step = to_seconds(self._clock.now()) // STEP_SECONDS
        self._last = step
        return pyotp.HOTP(self._seed).at(step)


class Server:
    """A running server, its sample organisation, and the hands of whoever sits at its machine."""

    def __init__(self, data: Path) -> None:
        """Begin in the folder *data*, which must not exist; it is up when this returns."""
        self.clock = RunningClock()
        self.clients: dict[str, str] = dict(CLIENTS)
        self.people: dict[str, Human] = {}
        self.data = data
        self.house: House
        port = _free_port()
        self.origin = f"https://localhost:{port}"
        self._config = Config(data=data, origin=self.origin, port=port)
        self._made = self._certificate()
        self.ca_file = self._made.bundle
        self._up = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="server")
        self._begin()
        self.tenant = self.house.desk.picture.organisation.tenant

    def pass_time(self, seconds_: int) -> None:
        """Move the server's clock forward."""
        self.clock.move(seconds(seconds_))

    def open_exemption(self, user: str, *, length: str = "PT1H", **limits: Any) -> dict[str, Any]:
        """
        Open an exemption for *user* (a key of `people`) through the local door; *limits* are the members of `ostiary`
        (`applicationId`, `network`). What the API answered.
        """
        expiration = {"type": "afterDuration", "duration": length}
        more: dict[str, Any] = {"scheduleInfo": {"expiration": expiration}}
        if limits:
            more["ostiary"] = limits
        return self._ask("adminAssign", user, more).raise_for_status().json()

    def end_exemptions(self, user: str) -> None:
        """End every open exemption of *user*; none may be open."""
        answer = self._ask("adminRemove", user, {})
        if answer.status_code != 409:
            answer.raise_for_status()

    @contextmanager
    def local(self) -> Iterator[httpx.Client]:
        """The admin API through the local door."""
        transport = httpx.HTTPTransport(uds=str(self.data / SOCKET))
        with httpx.Client(transport=transport, base_url="http://localhost") as client:
            yield client

    def restart(self) -> None:
        """End the process's work and begin again on the same folder and port."""
        self.close()
        self._thread = threading.Thread(target=self._work, name="server")
        self._begin()

    def close(self) -> None:
        """Stop as the product does when it is told to end. Raises what it ended with, if it did not end well."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not end"
        if self._fault is not None:
            raise self._fault

    def _ask(self, action: str, user: str, more: dict[str, Any]) -> httpx.Response:
        body = {"accessId": "member", "action": action, "justification": "a test needs it", **more}
        with self.local() as client:
            return client.post(EXEMPTIONS, json={**body, "principalId": self.people[user].username})

    def _certificate(self) -> local_ca.LocalCertificates:
        tls = self.data.with_name(self.data.name + "-tls")
        return local_ca.ensure(tls, local_ca.default_names(), now=SystemClock().now(), environ={})

    def _begin(self) -> None:
        self._up.clear()
        self._thread.start()
        assert self._up.wait(PATIENCE), "the server did not start"
        if self._fault is not None:
            raise self._fault

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as fault:
            self._fault = fault
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        parts = await open_parts(self._config, {}, sample=True, clock=self.clock)
        if not self.people:
            self._meet(await found_sample(parts))
        self.house = await open_house(parts)
        try:
            await self._listen(parts)
        finally:
            await close_house(self.house, parts)

    async def _listen(self, parts: Parts) -> None:
        reloader = Reloader(self._made.certificate, self._made.key)
        await serve(self.house, parts.config, reloader, ready=self._up.set, stop=self._stop)

    def _meet(self, secrets: tuple[Secret, ...]) -> None:
        for one in secrets:
            short = one.name.removesuffix(f"@{DOMAIN}")
            self.people[short] = Human(one.name, one.password, one.roles, one.seed, self.clock)


def _free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server in a new folder below *folder*, ended at the end."""
    server = Server(folder / "data")
    try:
        yield server
    finally:
        server.close()
