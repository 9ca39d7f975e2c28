"""
A house with pages for each test of the porch.
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
