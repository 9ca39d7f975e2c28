"""
Messages through Apprise: mail, chats and pushes, each by a process of its own that is held to the outgoing rule (R24).

Owns the process: what it is given, how long it may run, how many run at once. `apprise_child` is what runs in it.
Addresses go in by a pipe; neither the process list nor a log ever shows one.
"""

import asyncio
import json
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["TOTAL", "Apprise"]

TOTAL = 20.0
"""Seconds from the start of the process to its answer; mail takes several rounds."""
AT_ONCE = 4
_CHILD = Path(__file__).with_name("apprise_child.py")


class Apprise:
    """The sender. *allow* is the operator's list, *authorities* and *proxy* are as for `Outgoing`."""

    def __init__(self, allow: tuple[str, ...] = (), *, authorities: Path | None = None, proxy: str = "") -> None:
        self._allow, self._authorities, self._proxy = allow, authorities, proxy
        self._running = set[subprocess.Popen[bytes]]()
        self._closed = False

    async def send(self, address: str, title: str, text: str) -> str:
        """
        Hand the message over; empty when it was taken, else why not: ``barred``, ``refused`` (by the service, or it
        could not be reached), ``unfit`` (no such address), ``slow``, ``broken``.
        """
        given = {"address": address, "title": title, "text": text, "allow": self._allow, "proxy": self._proxy}
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, given)

    def close(self) -> None:
        """End what runs, and drop what waits: it is sent again by whoever comes next."""
        self._closed = True
        for process in tuple(self._running):
            process.kill()
        pool = self.__dict__.get("_pool")
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, given: dict[str, Any]) -> str:
        """One process; killed when it takes too long."""
        try:
            told = json.dumps(given | {"authorities": self._bundle}).encode()
            with subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-I", str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8"},
            ) as process:  # fmt: skip
                self._running.add(process)
                try:
                    if self._closed:
                        process.kill()
                    answer = json.loads(process.communicate(told, timeout=TOTAL)[0])
                finally:
                    self._running.discard(process)
                    process.kill()
        except subprocess.TimeoutExpired:
            return "slow"
        except (OSError, ValueError):
            return "broken"
        return str(answer["trouble"])[:20]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="apprise")

    @cached_property
    def _bundle(self) -> str:
        """The machine's authorities and the operator's, as PEM."""
        machine = ssl.get_default_verify_paths()
        files = [Path(machine.cafile)] if machine.cafile else sorted(Path(machine.capath or "/none").glob("*.0"))
        files += [self._authorities] if self._authorities is not None else []
        return "\n".join(path.read_text("utf-8") for path in files if path.exists())
