"""
A site of its own for each test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.oauth.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A founded house with its OAuth door."""
    made = Site(tmp_path)
    yield made
    made.close()
