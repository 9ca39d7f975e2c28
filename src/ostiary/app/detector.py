"""
The rules in a process of their own: it reads the journal in the same database, runs them and hands back what they saw.
It writes nothing, holds no key, and is less urgent than sign-ins.

`ProcessDetector` starts it when there is something to do for it and holds it to a time; `main` is what runs in it. It
ends when its input does, so it does not outlive whoever began it. Where it fails the house looks itself: findings are
later then, and none is left out.
"""

import asyncio
import gc
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import structlog

from ostiary.core.detections.event import Whereabouts
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.outside.clock import Clock
from ostiary.outside.geo import GeoFiles, GeoPaths
from ostiary.services.detections.look import Seen, look, whereabouts
from ostiary.store import Tx
from ostiary.store.access import current_versions, take_picture
from ostiary.store.sqlite import SqliteReader

__all__ = ["ProcessDetector", "main"]

TOTAL = 30.0
"""Seconds for one look, with the start of the process."""
REST = minutes(1)
"""After a failure, until it is tried again."""
NICE = 5
_COMMAND = (sys.executable, "-I", "-m", "ostiary.app.detector")

_log = structlog.get_logger("ostiary.detector")


class ProcessDetector:
    """See `Detector`."""

    def __init__(self, database: Path, geo: GeoPaths, clock: Clock) -> None:
        """Nothing runs before the first look."""
        self._given = (database, geo)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="detector")
        self._rests_until = Instant(0)
        self._closed = False

    async def look(self, most: int) -> Seen | None:
        """See `Detector`."""
        if self._closed or self._clock.steady() < self._rests_until:
            return None
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._thread, self._ask, most)
            return await asyncio.wait_for(asked, TOTAL)
        except Exception as error:  # also what another version of ours says, where it was installed meanwhile
            self._rests_until = after(self._clock.steady(), REST)
            self._kill()  # the thread that waits for it hears of that
            if not self._closed:
                why = str(error)[:80] or type(error).__name__
                _log.error("the rules run in the server's own process for a while", error=why)
            return None

    def close(self) -> None:
        """See `Detector`."""
        self._closed = True
        self._kill()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._drop()

    def _ask(self, most: int) -> Seen | None:
        """In the thread. Raises whatever comes of a process that ended or says nonsense; RuntimeError: it could not."""
        try:
            process = self._process or self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            _put(process.stdin, most)
            seen, trouble = _take(process.stdout)
        except Exception:
            self._drop()
            raise
        if trouble:
            raise RuntimeError(trouble)
        if not isinstance(seen, Seen | None):
            raise TypeError(type(seen).__name__)
        return seen

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if self._closed:
            process.kill()
        assert process.stdin is not None
        _put(process.stdin, self._given)
        return process

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _drop(self) -> None:
        """Let go of it and of its pipes; nobody waits for it any more."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


class _Eyes:
    """What the process has: the database to look at, and where addresses are, as long as the picture is the same."""

    def __init__(self, database: Path, geo: GeoPaths) -> None:
        self._reader = SqliteReader(database)
        self._geo = GeoFiles(geo)
        self._known: tuple[int, Whereabouts] | None = None

    def look(self, most: int) -> Seen | None:
        """The next entries, on one committed state."""
        return self._reader.read(partial(self._body, most=most))

    async def _body(self, tx: Tx, most: int) -> Seen | None:
        version, _ = await current_versions(tx)
        if self._known is None or self._known[0] != version:
            self._known = version, whereabouts((await take_picture(tx, self._geo)).atlas)
        return await look(tx, self._known[1], most)


def main() -> None:
    """Look whenever a number comes in, until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal or a unit: the server hears them, and ends this
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # what modules made stays: looking through it would be a quarter of the work
    with suppress(OSError):  # some sandboxes allow nobody to be less urgent (systemd's @resources)
        os.nice(NICE)
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints
    eyes: _Eyes | None = None
    try:
        given = _take(sys.stdin.buffer)
        while True:
            most = _take(sys.stdin.buffer)
            try:
                eyes = eyes or _Eyes(*given)
                answer = eyes.look(most), ""
            except Exception as error:
                answer = None, type(error).__name__
            _put(said, answer)
    except (EOFError, BrokenPipeError):
        return


def _put(pipe: IO[bytes], value: object) -> None:
    pickle.dump(value, pipe)
    pipe.flush()


def _take(pipe: IO[bytes]) -> Any:
    return pickle.load(pipe)  # noqa: S301 - between two processes of ours, by a pipe that nobody else has


if __name__ == "__main__":
    main()
