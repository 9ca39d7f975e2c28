"""Fixtures of the journeys: one browser for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.journeys.browser import Desk, desk
from tests.server import Server


@pytest.fixture(scope="module")
def chromium(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A browser that trusts the server."""
    with desk(tmp_path_factory.mktemp("browser"), server.authority) as opened:
        yield opened
