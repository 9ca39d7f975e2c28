"""
`ostiary-server` as a process of its own, with the sample organisation: for what only a whole process
shows, such as its logs, its signals and its sudden end.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx
import pyotp

from tests.attacks.visitor import Visitor
from tests.forked import Forked, call

CLI = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
PEOPLE, MASTER_KEY = "sample-people.json", "master.key"
PIM = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
PATIENCE = 60.0


def program() -> str:
    """`ostiary-server`, as it is installed beside this Python."""
    return str(Path(sys.executable).with_name("ostiary-server"))


class Process:
    """`ostiary-server run --sample` with a data folder of its own below *home*."""

    def __init__(self, home: Path, **settings: Any) -> None:
        """Not started yet. *settings* are those of the configuration, told by the environment."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.origin = f"https://localhost:{self.port}"
        self.home, self.data, self.out, self.err = home, home / "data", home / "out", home / "err"
        self.config = home / "ostiary.toml"
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self.configure(**settings)
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def configure(self, **settings: Any) -> None:
        """Write the configuration anew; a running server does not notice by itself."""
        lines = [f"{name} = {json.dumps(value, default=str)}\n" for name, value in settings.items()]
        self.config.write_text("".join(lines))

    def options(self) -> list[str]:
        """What every command needs to find this deployment."""
        return ["--config", str(self.config), "--data", str(self.data)]

    def start(self, **environ: str) -> None:
        """Start, and wait until it says that it is open."""
        before = self._opened()
        self.launch(**environ)
        until = time.monotonic() + PATIENCE
        while self._opened() == before:
            assert self.running.poll() is None, self.err.read_text()
            assert time.monotonic() < until, self.err.read_text()
            time.sleep(0.05)

    def launch(self, **environ: str) -> None:
        """Start, and wait for nothing; with an *environ* of its own from the beginning, as libraries read it."""
        words = ["run", "--sample", "--port", str(self.port), *self.options()]
        if not environ:
            self._process = Forked("ostiary-server", words, self.environ, out=self.out, err=self.err)
            return
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self._process = subprocess.Popen(
                [program(), *words],
                env={**self.environ, **environ}, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip

    def _opened(self) -> int:
        return self.out.read_bytes().count(b"The local door:") if self.out.exists() else 0

    @property
    def running(self) -> subprocess.Popen[bytes] | Forked:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    def end(self) -> None:
        """Tell it to stop, and wait."""
        if self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)
            try:
                self.running.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it with no chance to do anything more (kill -9)."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=10)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of the program on the same deployment."""
        return call("ostiary-server", [*words, *self.options()], self.environ, timeout=120)

    # ---- people and sign-ins

    def people(self) -> dict[str, dict[str, Any]]:
        """Who can sign in: name → password, totp, roles."""
        found: dict[str, dict[str, Any]] = json.loads((self.data / PEOPLE).read_text())
        return found

    def person(self, name: str) -> str:
        """The full name of somebody of the sample."""
        return next(full for full in self.people() if full.startswith(f"{name}@"))

    def open_exemption(self, name: str) -> None:
        """Through the local door, as an administrator on the machine."""
        body = {
            "accessId": "member",
            "action": "adminAssign",
            "principalId": name,
            "justification": "for a test",
            "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
        }
        with self.door() as door:
            answer = door.post(PIM, json=body)
            assert answer.status_code == 201, answer.text

    def door(self) -> httpx.Client:
        """A client of the local door."""
        transport = httpx.HTTPTransport(uds=str(self.data / "admin.sock"))
        return httpx.Client(transport=transport, base_url="http://local", timeout=PATIENCE)

    def visitor(self) -> Visitor:
        """A new browser before the pages."""
        return Visitor(self.origin, self.data / "tls" / "bundle.pem")

    def sign_in(self, visitor: Visitor, name: str) -> None:
        """*name* signs in with password and one-time code."""
        who = self.people()[name]
        visitor.sign_in(name, who["password"], pyotp.TOTP(who["totp"]).now())
