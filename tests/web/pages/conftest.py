"""
A house of its own for each test of the pages.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.pages.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house with people in it."""
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """A house right after its founding: nobody is in it."""
    made = Site(tmp_path, people=False)
    yield made
    made.close()
