"""Fixtures of the attacks: one stage for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.attacks.stage import Stage, raised


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server of its own, with geo files."""
    with raised(tmp_path_factory.mktemp("stage")) as made:
        yield made
