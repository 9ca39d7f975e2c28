"""
The Containerfile's own steps, and then what it made: read-only, no root, a data folder on tmpfs, and a sign-in against
it with the program that people use.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page

from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from tests.app.container import ROOT, Image, build, sandbox
from tests.cli.conftest import PATIENCE
from tests.cli.test_terminal import terminal
from tests.journeys.browser import desk
from tests.journeys.test_cli import Installed, code_on

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
ADMINISTRATOR, PASSWORD = "root@example.com", "long enough to be nobody's"
WHY = ("--reason", "for a test")

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs Debian's bubblewrap"),
    pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to another user, as the file does, takes root"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Every step of the file, with exactly the packages that the lock names."""
    packages = tmp_path_factory.mktemp("packages")
    lock = ROOT / "requirements.lock"
    words = [sys.executable, "-m", "pip", "download", "-qq", "--require-hashes", "-r", str(lock), "-d", str(packages)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return build(CONTAINERFILE, packages, tmp_path_factory.mktemp("image"))


@dataclass
class Container:
    """The image with what its head says is mounted into it."""

    image: Image
    port: int
    volume: Path
    secrets: Path

    def words(self, *command: str) -> list[str]:
        """As the `podman run` in the file's head."""
        user, _, group = self.image.user.partition(":")
        words = [*sandbox(self.image, writable=False), "--unshare-user", "--uid", user, "--gid", group]
        words += ["--cap-drop", "ALL", "--bind", str(self.volume), self.image.volumes[0], "--clearenv"]
        words += ["--ro-bind", str(self.secrets), "/run/secrets"]
        words += ["--ro-bind", str(self.secrets), "/etc/ostiary"]
        for name, value in self.image.environ.items():
            words += ["--setenv", name, value]
        return [*words, *self.image.entrypoint, *(command or self.image.command)]

    def call(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """One command in a container of its own."""
        return subprocess.run(self.words(*command), capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Container]:
    """A volume in memory, a master key, a certificate and a configuration."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secrets = tmp_path / "secrets"
    made = local_ca.ensure(secrets, local_ca.default_names(), now=SystemClock().now(), environ=os.environ)
    (secrets / "master.key").write_bytes(os.urandom(32))
    (secrets / "master.key").chmod(0o600)
    (secrets / "ostiary.toml").write_text(
        f"""
        origin = "https://localhost:{port}"
        port = {port}
        name = "Example Ltd"
        master_key = "/run/secrets/master.key"
        certificate = "/run/secrets/{made.certificate.name}"
        certificate_key = "/run/secrets/{made.key.name}"
        poll_interval = 1
        """
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm") as volume:
        yield Container(image, port, Path(volume), secrets)


def test_the_image_is_what_the_file_says(image: Image) -> None:
    """An environment of its own, the data folder its user's alone, and a user who is not root."""
    assert (image.layer / "usr/lib/ostiary/bin/ostiary-server").is_file()
    data = (image.layer / image.volumes[0].lstrip("/")).stat()
    assert (data.st_uid, data.st_gid, data.st_mode & 0o777) == (10001, 10001, 0o700)
    assert image.user == "10001:10001"
    assert not (image.layer / "build").exists(), "sources and tools of the build stay behind"


def test_nothing_but_the_data_folder_can_be_written(container: Container) -> None:
    """The root is read-only; `init` in any other place is refused in words."""
    refused = container.call("init", "--config", "/etc/ostiary/ostiary.toml", "--data", "/usr/lib/ostiary/data")
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_somebody_signs_in_at_the_container(container: Container, tmp_path: Path) -> None:
    """
    First start, first administrator in a browser, the device flow allowed, an exemption through the local door inside,
    a code, an approval, a token; `doctor` is content; it stops when it is told to.
    """
    founded = container.call("init", "--config", "/etc/ostiary/ostiary.toml")
    assert founded.returncode == 0, founded.stderr
    found = re.search(r"^  ([A-Z2-9]{4}(?:-[A-Z2-9]{4}){6})$", founded.stdout, re.MULTILINE)
    assert found, founded.stdout
    program = _program(container, tmp_path)
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen(container.words(), stdout=out, stderr=out) as process:
        try:
            _opened(process, log)
            _story(container, _server(process), program, tmp_path, found[1])
            checked = container.call("doctor", "--config", "/etc/ostiary/ostiary.toml")
            assert "BAD" not in checked.stdout, checked.stdout
        finally:
            _stop(process)
    assert process.returncode == 0, log.read_text()
    assert b"Traceback" not in log.read_bytes()


def _program(container: Container, home: Path) -> Installed:
    return Installed(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "OSTIARY_SERVER": f"https://localhost:{container.port}",
            "OSTIARY_DATA": str(container.volume),
            "OSTIARY_BROWSER": "true",
            "SSL_CERT_FILE": str(container.secrets / "bundle.pem"),
            "TERM": "xterm",
            "COLUMNS": "200",
            "LC_ALL": "C.UTF-8",
        }
    )


def _opened(process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while b"Ostiary is open" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def _server(process: "subprocess.Popen[bytes]") -> int:
    """The server's process id as it is seen from outside: the youngest of bubblewrap's line."""
    line = [process.pid]
    while found := Path(f"/proc/{line[-1]}/task/{line[-1]}/children").read_text().split():
        line.append(int(found[0]))
    return line[-1]


def _inside(server: int, *words: str) -> "subprocess.CompletedProcess[str]":
    """`ostiary` in the container of *server*, as `podman exec` would run it."""
    enter = ["nsenter", "--target", str(server), "--user", "--mount", "--pid", "--preserve-credentials"]
    environ = {"PATH": "/usr/lib/ostiary/bin:/usr/bin", "LC_ALL": "C.UTF-8"}  # and no HOME: nobody lives there
    command = [*enter, "/usr/lib/ostiary/bin/ostiary", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the server itself, as an engine sends it."""
    os.kill(_server(process), signal.SIGTERM)
    process.wait(PATIENCE)


def _assessment(origin: str) -> tuple[str, ...]:
    """What has to be thought of before an application may use the device flow (R23)."""
    review = datetime.now(UTC).date() + timedelta(days=90)
    return (
        "--resource", origin, "--not-code-flow", "no browser there", "--not-workload-identity", "people, not jobs",
        "--not-hybrid-passkey", "no phone near", "--mitigation", "M2", "--owner", ADMINISTRATOR,
        "--review", str(review),
    )  # fmt: skip


def _story(container: Container, server: int, program: Installed, home: Path, code: str) -> None:
    origin = f"https://localhost:{container.port}"
    with desk(home / "browser", container.secrets / "ca.pem") as browser, browser.person(origin) as person:
        seed = person.look(lambda page: _set_up(page, origin, code))
        person.sign_in(ADMINISTRATOR, PASSWORD, pyotp.TOTP(seed).now())
        words = program.command("login", "--browser", "--json", "--profile", "browser")
        with subprocess.Popen(words, env=program.environ, stdout=subprocess.PIPE, text=True) as login:
            assert login.stdout is not None
            address = json.loads(login.stdout.readline())["address"]
            assert "Signed in" in person.let_in(address)
            assert login.wait(PATIENCE) == 0
        refused = program.run("login", "--device-code")
        assert refused.returncode == 4, refused.stderr
        assessed = program.run("app", "assess", "Ostiary CLI", *_assessment(origin), *WHY, "--profile", "browser")
        assert assessed.returncode == 0, assessed.stderr
        allowed = program.run("app", "allow-device-flow", "Ostiary CLI", *WHY, "--profile", "browser")
        assert allowed.returncode == 0, allowed.stderr
        window = ("--local", "exemption", "open", "--user", ADMINISTRATOR, "--for", "1h", *WHY)
        outside = program.run(*window)
        assert outside.returncode == 7, "the door knows nobody who comes from another namespace (R2)"
        assert "inside it" in outside.stderr
        opened = _inside(server, *window)
        assert opened.returncode == 0, opened.stderr
        with terminal(program, "login", "--device-code") as screen:
            person.enter_code(code_on(screen))
            person.approve()
            assert screen.end() == 0, screen.seen
    assert ADMINISTRATOR in program.run("status").stdout


def _set_up(page: Page, origin: str, code: str) -> str:
    """
    Make the first administrator; the seed of the authenticator. The code of the half minute before is used up here, so
    that this one's is there for signing in.
    """
    page.goto(f"{origin}/setup")
    seed = (page.locator(".key").text_content() or "").replace(" ", "")
    for field, value in (("code", code), ("username", ADMINISTRATOR), ("display", "Root"), ("password", PASSWORD)):
        page.locator(f"[name={field}]").fill(value)
    page.locator("[name=repeat]").fill(PASSWORD)
    page.locator("[name=totp]").fill(pyotp.TOTP(seed).at(int(time.time()) - 30))
    with page.expect_navigation():
        page.get_by_role("button", name="Continue", exact=True).click()
    assert ADMINISTRATOR in page.inner_text("body"), page.inner_text("body")
    return seed
