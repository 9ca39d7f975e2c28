"""Fixtures of the client tests: the clients installed, one browser for all, a signed-in person for each test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.needs import Server
from tests.clients.programs import CLIENTS, Client
from tests.journeys.browser import Desk, Person, desk


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    """The clients are there, at the versions of the lock files."""
    subprocess.run([str(Path(__file__).parent / "setup")], check=True, timeout=900)


@pytest.fixture(scope="module")
def chromium(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A browser that trusts the server."""
    with desk(tmp_path_factory.mktemp("browser"), server.authority) as opened:
        yield opened


@pytest.fixture
def person(server: Server, chromium: Desk) -> Iterator[Person]:
    """Alice, signed in on the device page."""
    alice = server.people["alice"]
    with chromium.person(server.origin) as opened:
        opened.sign_in(alice.username, alice.password, alice.totp())
        yield opened


@pytest.fixture(params=CLIENTS, ids=lambda start: start.__name__)
def client(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Iterator[Client]:
    """Each of the unmodified clients in turn."""
    with request.param(server, tmp_path) as started:
        yield started
