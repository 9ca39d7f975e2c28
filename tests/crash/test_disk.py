"""R14, R9: a server whose disk is full, or whose fsync fails, acknowledges nothing, says so, and goes on by itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ostiary.app.wiring import DATABASE
from ostiary.store.backup import inspect
from tests.attacks.visitor import Visitor
from tests.process import CLI, DEVICE_CODE, PATIENCE, PIM, Process

FAILURES = ("FAIL_WRITES", "FAIL_SYNCS")


@dataclass
class Trouble:
    """A real server on a disk that fails while a file is there, with a machine, and alice's browser before its page."""

    process: Process
    flag: Path
    machine: Visitor
    browser: Visitor

    def post(self, end: str, **fields: str) -> httpx.Response:
        """Ask an endpoint of the protocol."""
        return self.machine.http.post(f"/common/oauth2/v2.0/{end}", data={"client_id": CLI, **fields})

    def start(self) -> httpx.Response:
        """A device authorization request."""
        return self.post("devicecode", scope=f"{self.process.origin}/.default openid offline_access")

    def poll(self, code: str) -> httpx.Response:
        """One poll."""
        return self.post("token", grant_type=DEVICE_CODE, device_code=code)

    def refresh(self, token: str) -> httpx.Response:
        """One refresh."""
        return self.post("token", grant_type="refresh_token", refresh_token=token)

    def approved(self) -> str:
        """The device code of a sign-in that waits for nothing but its next poll."""
        started = self.start().json()
        self.browser.approve(self.browser.claim(started["user_code"]))
        return str(started["device_code"])

    def health(self) -> tuple[int, int]:
        """Alive, and ready."""
        return self.machine.get("/healthz").status_code, self.machine.get("/readyz").status_code


@pytest.fixture(params=FAILURES)
def trouble(request: pytest.FixtureRequest, tmp_path: Path, shim: str) -> Iterator[Trouble]:
    """One for each way to fail."""
    flag = tmp_path / "fails"
    with Process(tmp_path, poll_interval=1) as process:
        process.start(LD_PRELOAD=shim, RECORDED="ostiary.db-wal", **{request.param: str(flag)})
        process.open_exemption(process.person("alice"))
        with process.visitor() as machine, process.visitor() as browser:
            process.sign_in(browser, process.person("alice"))
            yield Trouble(process, flag, machine, browser)


def test_r14_a_disk_that_fails_acknowledges_nothing_and_the_process_goes_unready(trouble: Trouble) -> None:
    """No code, no token, no decision; polls say what is true: not yet (R9). With room again it goes on by itself."""
    token = trouble.poll(trouble.approved()).json()["refresh_token"]
    ready, waiting = trouble.approved(), trouble.start().json()
    assert trouble.health() == (200, 200)
    entries = inspect(trouble.process.data / DATABASE).entries

    trouble.flag.touch()
    assert trouble.start().status_code >= 400
    assert "user_code" not in trouble.start().text
    for code in (ready, waiting["device_code"]):
        answer = trouble.poll(code)
        assert (answer.status_code, answer.json()["error"]) == (400, "authorization_pending")
    refused = trouble.refresh(token)
    assert (refused.status_code, refused.json()["error"]) == (400, "temporarily_unavailable")
    page = trouble.browser.submit(trouble.browser.get("/devicelogin"), "/devicelogin", user_code=waiting["user_code"])
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    with trouble.process.door() as door:
        ended = door.post(PIM, json={"accessId": "member", "action": "adminRemove", "principalId": "x"})
    assert (ended.status_code, ended.json()["error"]["code"]) == (503, "ServiceUnavailable")
    assert trouble.health() == (200, 503)
    time.sleep(1.5)  # jobs run meanwhile: a commit of nothing must not make it ready
    assert trouble.health() == (200, 503)
    assert inspect(trouble.process.data / DATABASE).entries == entries

    trouble.flag.unlink()
    until = time.monotonic() + PATIENCE
    while trouble.health() != (200, 200):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert trouble.poll(ready).json()["refresh_token"]
    assert trouble.refresh(token).json()["refresh_token"]
    assert trouble.browser.claim(waiting["user_code"])
    assert trouble.start().json()["user_code"]
