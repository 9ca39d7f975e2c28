"""
A running server for tests: the product's own composition root in a thread, with TLS by the local CA, the sample
organisation, and a clock that can be moved forward. Nothing in it is replaced but the clock.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyotp
import pytest
from sqlalchemy import update

from ostiary.app.config import Config
from ostiary.app.sample import Secret, found_sample
from ostiary.app.serve import SOCKET, serve
from ostiary.app.wiring import Parts, close_house, open_house, open_parts
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.instants import Instant, Span, after, hours, seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.passwords import Cost
from ostiary.outside.tls import Reloader
from ostiary.services.exemptions.end import end_exemptions_of
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.house import House
from ostiary.store.schema import authenticators
from ostiary.store.sql import sql

T = TypeVar("T")

CHEAP = Cost(passes=1, memory=64, lanes=1)  # argon2id at a cost that only a test may have
PATIENCE = 300  # seconds that anything may take on a busy machine before a test fails

CLIENTS = {
    "azure-cli": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "graph-cli": "14d82eec-204b-4c2f-b7e8-296a70dab67e",
    "ostiary-cli": "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001",
}
_FORGET = sql(update(authenticators).values(last_step=0))


class OffsetClock:
    """The machine's clock, moved forward as often as a test wants."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._offset = 0

    def now(self) -> Instant:
        """The wall clock."""
        return Instant(self._real.now() + self._offset)

    def steady(self) -> Instant:
        """The monotonic clock."""
        return Instant(self._real.steady() + self._offset)

    def behind(self) -> Span:
        """As the real one."""
        return self._real.behind()

    def move(self, span: Span) -> None:
        """Let *span* pass."""
        self._offset += span


class Human:
    """Somebody of the sample organisation, with an authenticator app whose codes the server has never seen."""

    def __init__(self, secret: Secret, server: "Server") -> None:
        self.username = secret.name
        self.password = secret.password
        self.seed = secret.seed
        self._server = server

    def totp(self) -> str:
        """
        A code that counts as unused: the server forgets the last one first.

        Letting 30 seconds pass for each code instead would move the server's clock away from the clients', and those
        that check `iat` and `nbf` would rightly refuse its tokens.
        """
        self._server.forget_codes()
        return pyotp.TOTP(self.seed).at(to_seconds(self._server.clock.now()))


class Server:
    """A running server, and the hands of its administrator and its clock."""

    def __init__(self, data: Path, **config: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.port = port
        self.origin = f"https://localhost:{port}"
        self.data = data
        self.clock = OffsetClock()
        self.clients = dict(CLIENTS)
        given = {"data": data, "origin": self.origin, "port": port, "poll_interval": 1, **config}
        self.config = Config(**given)
        self.people: dict[str, Human] = {}
        self.tenant = ""
        self.ca_file = data / "tls" / "bundle.pem"
        self.authority = data / "tls" / "ca.pem"
        self.local_door = data / SOCKET
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="server", daemon=True)

    def start(self) -> None:
        """Start, and wait until both doors are open."""
        self._thread.start()
        if not self._ready.wait(PATIENCE) or self._failed is not None:
            raise RuntimeError("the server did not start") from self._failed

    def stop(self) -> None:
        """End it in order."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        if self._failed is not None:
            raise self._failed

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        parts: Parts = await open_parts(self.config, os.environ, sample=True, clock=self.clock, cost=CHEAP)
        secrets = await found_sample(parts)
        self.people = {secret.name.partition("@")[0]: Human(secret, self) for secret in secrets}
        self.house: House = await open_house(parts)
        self.tenant = self.house.desk.picture.organisation.tenant
        names = local_ca.default_names()
        tls = local_ca.ensure(self.data / "tls", names, now=SystemClock().now(), environ=os.environ)
        reloader = None if self.config.plain else Reloader(tls.certificate, tls.key)
        try:
            await serve(self.house, self.config, reloader, ready=self._ready.set, stop=self._stop)
        finally:
            await close_house(self.house, parts)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def visit(self) -> Visit:
        """A visit through the local door."""
        caller = Caller(CallerKind.LOCAL, id="tester", name="tester", origin=Origin.LOCAL)
        return Visit(self.clock.now(), self.house.random.guid(), caller=caller)

    def open_exemption(self, user: str, limits: Limits | None = None, length: Span | None = None) -> None:
        """Open an exemption of one hour for *user* (a key of `people`), as an administrator on the machine."""
        wish = Opening(self.people[user].username, length or hours(1), "for a test", limits or Limits())
        shown = self.run(open_exemption(self.house, self.visit(), wish))
        assert not isinstance(shown, Refused), shown

    def end_exemptions(self, user: str) -> None:
        """End every open exemption of *user*, if there is one, as an administrator on the machine."""
        ended = self.run(end_exemptions_of(self.house, self.visit(), self.people[user].username, "for a test"))
        assert not isinstance(ended, Refused) or ended.reason is Reason.CONFLICT, ended

    def forget_codes(self) -> None:
        """Make every authenticator's last code unused."""
        self.run(self.house.store.write(lambda tx: tx.run(_FORGET)))

    def pass_time(self, seconds_: int) -> None:
        """Move the server's clock forward."""
        self.clock.move(seconds(seconds_))

    def later(self, seconds_: int) -> Instant:
        """A moment from now."""
        return after(self.clock.now(), seconds(seconds_))


@contextmanager
def running(data: Path, **config: Any) -> Iterator[Server]:
    """A server on a free port of loopback, with *config* over the defaults."""
    server = Server(data, **config)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module."""
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        yield started
