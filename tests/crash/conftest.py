"""
The shim between a process and its disk, built once.
"""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Records what reaches the disk, and can be a disk that fails (`shim.c`)."""
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", built, HERE / "shim.c", "-ldl", "-pthread"],
        check=True,
    )
    return str(built)
