"""
The installed programs, and helpers of tests, as processes of their own: forked from an interpreter that imported them.

Importing costs the server three seconds of a processor and the client half of one, and there are tests that call them
fifty times. A fork runs what the installed command runs, with arguments, environment, working folder, files for what it
says, signals and exit status of its own, and shares nothing with the test. What is about the start itself (the command
in its folder, a terminal, a sandbox, a library loaded before all others) is started as anybody starts it.
"""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, distribution
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Forked", "call"]

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tests.warm"])  # both once, and not in each fork


class Forked:
    """One that was started; its words are those of `subprocess.Popen`."""

    def __init__(
        self, program: str, arguments: Sequence[str], environ: Mapping[str, str], *, out: Path, err: Path
    ) -> None:
        """Start *program* (a script of pyproject.toml, or ``module:function``), which adds to *out* and *err*."""
        what = (program, list(arguments), dict(environ), Path.cwd(), out, err)
        self._process = _CONTEXT.Process(target=_become, args=what, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same at the end. Raises TimeoutExpired after *timeout* seconds."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with no chance to do anything more."""
        self.send_signal(signal.SIGKILL)


def call(
    program: str, arguments: Sequence[str], environ: Mapping[str, str], *, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run *program* to its end, without a terminal. Raises TimeoutExpired after *timeout* seconds."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        for each in (out, err):
            each.touch(0o600)
        process = Forked(program, arguments, environ, out=out, err=err)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(
            [program, *arguments], status, out.read_text("utf-8"), err.read_text("utf-8")
        )  # fmt: skip


def _become(program: str, arguments: list[str], environ: dict[str, str], folder: Path, out: Path, err: Path) -> None:
    """In the forked process: nothing stays of the test's but the user it runs as."""
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    add = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path, how in ((0, Path(os.devnull), os.O_RDONLY), (1, out, add), (2, err, add)):
        opened = os.open(path, how, 0o600)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    sys.stdout = _words(1, "strict")
    sys.stderr = _words(2, "backslashreplace")
    sys.argv = [str(Path(sys.executable).with_name(program)), *arguments]
    own = EntryPoint(program, program, "") if ":" in program else distribution("ostiary").entry_points[program]
    sys.exit(own.load()())


def _words(number: int, errors: str) -> io.TextIOWrapper:
    """A standard stream to which each word goes at once, as with PYTHONUNBUFFERED."""
    return io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", errors, write_through=True)
