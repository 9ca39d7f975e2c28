"""
What the program's tests stand on: the wire server, and the program as a process with folders of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import forked
from tests.client.wire import Wire, running

PATIENCE = 300  # seconds that a call may take on a busy machine before the test fails
DRIVER = "import sys; from ostiary.cli import main; main(sys.argv[1:])"


@dataclass(frozen=True)
class Program:
    """`ostiary` in an environment of its own."""

    environ: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", DRIVER, *arguments]

    def run(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end, without a terminal."""
        return forked.call("ostiary", arguments, {**self.environ, **environ}, timeout=PATIENCE)

    @property
    def state(self) -> Path:
        """The folder of the tokens."""
        return Path(self.environ["XDG_STATE_HOME"]) / "ostiary"

    @property
    def config(self) -> Path:
        """The folder of config.toml."""
        return Path(self.environ["OSTIARY_CONFIG_DIR"])


class Wrapped(Program):
    """`ostiary` inside something else, which is started each time."""

    def run(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end, without a terminal."""
        return subprocess.run(
            self.command(*arguments),
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


@pytest.fixture
def wire() -> Iterator[Wire]:
    with running() as server:
        yield server


@pytest.fixture
def program(wire: Wire, tmp_path: Path) -> Program:
    """Signs in at the wire server; nothing of the tester's own environment reaches it."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "OSTIARY_CONFIG_DIR": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "OSTIARY_SERVER": wire.origin,
        "OSTIARY_BROWSER": "never",
        "TERM": "xterm",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }
    return Program(environ)
