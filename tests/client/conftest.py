"""
What the client's tests stand on: the wire server, and a machine whose time passes only when something waits.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ostiary.client.cache import Cache, open_cache
from ostiary.client.drive import Teller, http_client, http_client_async, ignore, run, run_async
from ostiary.client.exchange import Exchange
from ostiary.client.machine import Machine
from ostiary.client.profiles import Places
from tests.client.wire import Wire, running

T = TypeVar("T")


@dataclass
class Clock:
    """Time that passes only in waits; `waits` are their lengths, `then` runs after each."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    then: Callable[[int], None] = lambda count: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        self.then(len(self.waits))

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def machine(self, **fields: Any) -> Machine:
        """A machine with this clock for both of its clocks."""
        given = {"environ": {}, "wall": lambda: self.now + 1_700_000_000, **fields}
        return Machine(monotonic=lambda: self.now, sleep=self.sleep, sleep_async=self.sleep_async, **given)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with running() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folders(tmp_path: Path) -> Places:
    return Places(tmp_path / "config", tmp_path / "state", tmp_path / "run")


@pytest.fixture
def cache(folders: Places, clock: Clock) -> Cache:
    return open_cache("default", "file", folders, clock.machine())


Perform = Callable[..., Any]


@pytest.fixture(params=["threads", "asyncio"])
def perform(request: pytest.FixtureRequest) -> Perform:
    """Both drivers: whatever a test says must hold for each."""

    def with_threads(exchange: Exchange[T], machine: Machine, tell: Teller = ignore) -> T:
        with http_client() as http:
            return run(exchange, http=http, machine=machine, tell=tell)

    def with_asyncio(exchange: Exchange[T], machine: Machine, tell: Teller = ignore) -> T:
        async def go() -> T:
            async with http_client_async() as http:
                return await run_async(exchange, http=http, machine=machine, tell=tell)

        return asyncio.run(go())

    return with_threads if request.param == "threads" else with_asyncio
