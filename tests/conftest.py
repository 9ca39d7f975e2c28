"""Fixtures for every test: a running server, for the modules that ask for it. No test has a time that it must keep."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.server import server

__all__ = ["server"]

settings.register_profile("ours", deadline=None)  # the machine that runs them may have other work
settings.load_profile("ours")

HERE = Path(__file__).parent
FIRST = ("journeys", "app", "clients", "upstream", "crash", "attacks", "cli", "house")
"""Folders of files that take long: a worker that begins such a file last makes all others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of `FIRST`, then as they come; workers get whole files in this order (Makefile)."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    return FIRST.index(folder) if folder in FIRST else len(FIRST)
