"""
`examples/iot-loop`: killed while its code is open, killed while it works, and still there after the end.
"""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app.container import ROOT
from tests.cli.conftest import PATIENCE
from tests.journeys.browser import Desk
from tests.server import CLIENTS, Server

LOOP = ROOT / "examples" / "iot-loop" / "loop.py"


class Machine:
    """The running program, and the lines that it says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._process = process
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def until(self, pattern: str) -> str:
        """Wait for a line that matches; its first group."""
        end = time.monotonic() + PATIENCE
        while True:
            line = self._lines.get(timeout=max(0.1, end - time.monotonic()))
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[1] if found.groups() else line


@contextmanager
def machine(server: Server, state: Path) -> Iterator[Machine]:
    """Switch it on; at the end its power fails."""
    words = [sys.executable, str(LOOP), "--authority", server.origin, "--client", CLIENTS["ostiary-cli"]]
    words += ["--scope", f"{server.origin}/.default openid", "--work", f"{server.origin}/oidc/userinfo"]
    words += ["--state", str(state), "--every", "0.3"]
    environ = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(server.ca_file)}
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Machine(process)
        finally:
            process.kill()


def test_it_goes_on_after_every_loss_of_power(server: Server, chromium: Desk, tmp_path: Path) -> None:
    """One code for two lives, one sign-in for three, and after the end it asks until somebody lets it in."""
    alice, state = server.people["alice"], tmp_path / "state.json"
    with machine(server, state) as first:
        first.until("refused: access_denied")
        server.open_exemption("alice")
        code = first.until(r"and type (\S+)")
    assert state.stat().st_mode & 0o777 == 0o600
    with machine(server, state) as second, chromium.person(server.origin) as person:
        assert second.until(r"and type (\S+)") == code
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code)
        person.approve()
        second.until("worked: 200")
    with machine(server, state) as third:
        third.until("signed in")
        third.until("worked: 200")
        assert not [line for line in third.said if "type" in line], "it needed nobody"
        server.end_exemptions("alice")
        third.until("over: invalid_grant")
        third.until("refused: access_denied")
        server.open_exemption("alice")
        assert third.until(r"and type (\S+)") != code
        server.end_exemptions("alice")
