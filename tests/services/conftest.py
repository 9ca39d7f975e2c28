"""
A door of its own for each test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.asking import Asking
from tests.services.door import Door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with the block on."""
    made = Door(tmp_path)
    yield made
    made.close()


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """The same, where one person is eligible and another approves."""
    made = Asking(tmp_path)
    made.settle()
    yield made
    made.close()
