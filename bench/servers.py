"""
Server processes under measurement: started, asked for their CPU time, ended by their own handle.

A server prints one JSON line when it listens (at least `port`); its other output goes to a log file in its folder.
"""

import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

PATIENCE: Final = 30.0  # seconds to start
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens: what it said of itself, and a reader of its CPU seconds (all its processes)."""

    ready: dict[str, Any]
    cpu_seconds: Callable[[], float]


@contextmanager
def running(command: Sequence[str], folder: Path, *, patience: float = PATIENCE) -> Iterator[Running]:
    """Start *command*, wait until it listens (*patience* seconds), and end it at the end."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (a command of ours)
            command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
        )
    assert process.stdout is not None
    try:
        ready = _first_json_line(process.stdout, patience)
        yield Running(ready, lambda: cpu_seconds(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time used so far by *pid* and everything it has started and that still runs."""
    return sum(_own_cpu_seconds(one) for one in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from _family(int(child))


def _own_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime, stime: proc(5) fields 14 and 15


def _first_json_line(stream: IO[bytes], patience: float) -> dict[str, Any]:
    while True:
        if not select.select([stream], [], [], patience)[0]:
            raise TimeoutError(f"the server did not listen within {patience:.0f} s")
        line = stream.readline()
        if not line:
            raise RuntimeError("the server ended before it listened; see server.log in its folder")
        if line.startswith(b"{"):
            said: dict[str, Any] = json.loads(line)
            return said
