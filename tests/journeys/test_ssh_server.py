"""
`examples/ssh-server` as its page tells it: a real sshd without privileges, and a person who signs in over it.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from ostiary.store.schema import sessions
from ostiary.store.sql import sql
from tests.app.container import ROOT
from tests.cli.conftest import Wrapped
from tests.cli.test_terminal import terminal
from tests.journeys.box import PATH, box
from tests.journeys.browser import Desk
from tests.journeys.test_cli import code_on
from tests.server import Server

SSHD, SSH = "/usr/sbin/sshd", "/usr/bin/ssh"
SCRIPT = ROOT / "examples" / "ssh-server" / "on-server.sh"
WHO = "python3 /srv/container/whoami.py"

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None or not Path(SSHD).exists(), reason="needs Debian's bubblewrap and openssh-server"
)

CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey /srv/ssh/host
AuthorizedKeysFile /srv/ssh/me.pub
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
LogLevel ERROR
SetEnv PATH={path} OSTIARY_SERVER={server} SSL_CERT_FILE=/srv/trusted/ca.pem LC_ALL=C.UTF-8 COLUMNS=200
"""


class Laptop(Wrapped):
    """Where the person sits; the script is theirs."""

    def command(self, *arguments: str) -> list[str]:
        """As the page has it."""
        return ["sh", str(SCRIPT), "build", *arguments]


@dataclass
class Host:
    """The server that is reached by SSH, and what reaches it."""

    laptop: Laptop
    home: Path


@pytest.fixture
def host(server: Server, tmp_path: Path) -> Iterator[Host]:
    """An sshd in a sandbox, as the user that signs in there; keys of its own, on a port of loopback."""
    keys, home, trusted = tmp_path / "ssh", tmp_path / "home", tmp_path / "trusted"
    for folder in (keys, home, trusted):
        folder.mkdir(mode=0o700)
    for name in ("host", "me"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)]
        subprocess.run(words, check=True)
    shutil.copy(server.ca_file, trusted / "ca.pem")
    (trusted / "passwd").write_text("deploy:x:1000:1000::/srv/home:/bin/sh\n")
    (trusted / "group").write_text("deploy:x:1000:\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (keys / "sshd_config").write_text(CONFIGURATION.format(port=port, path=PATH, server=server.origin))
    (keys / "config").write_text(
        f"Host build\n HostName 127.0.0.1\n Port {port}\n User deploy\n IdentityFile {keys}/me\n IdentitiesOnly yes\n"
        f" UserKnownHostsFile {keys}/known\n LogLevel ERROR\n"
    )
    (keys / "known").write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
    read = {
        keys: "/srv/ssh", trusted: "/srv/trusted", ROOT / "examples" / "container": "/srv/container",
        trusted / "passwd": "/etc/passwd", trusted / "group": "/etc/group",
    }  # fmt: skip
    sandboxed = box(tmp_path / "root", {}, read=read, write={home: "/srv/home"})
    command = sandboxed.command(SSHD, "-D", "-e", "-f", "/srv/ssh/sshd_config")
    with listening(command, sandboxed.environ, port):
        yield Host(Laptop({"PATH": "/usr/bin:/bin", "SSH": f"{SSH} -F {keys}/config", "TERM": "xterm"}), home)


@contextmanager
def listening(command: list[str], environ: dict[str, str], port: int) -> Iterator[None]:
    """The process, once something answers on *port*."""
    process = subprocess.Popen(command, env=environ)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "it ended"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_a_person_signs_in_on_a_server_over_ssh(server: Server, chromium: Desk, host: Host) -> None:
    """The code on the connection's terminal; lost, it begins again; signed in, it stays until the exemption ends."""
    alice = server.people["alice"]
    refused = host.laptop.run("true")
    assert refused.returncode == 4, refused
    assert "Block device code flow" in refused.stdout + refused.stderr
    server.open_exemption("alice")
    with terminal(host.laptop, *WHO.split()) as lost:
        first = code_on(lost)
        assert "this is a remote session" in lost.seen
    with chromium.person(server.origin) as person:
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(first)
        person.approve()  # nobody is there to take what it gives
        with terminal(host.laptop, *WHO.split()) as screen:
            second = code_on(screen)
            assert second != first
            person.enter_code(second)
            person.approve()
            assert screen.end() == 0, screen.seen
    given = select(sessions.c.id).where(sessions.c.kind == "device")
    assert len(server.run(server.house.store.read(lambda tx: tx.all(sql(given))))) == 1
    assert "working as alice@" in screen.seen
    again = host.laptop.run(*WHO.split())
    assert (again.returncode, again.stdout.startswith("working as alice@")) == (0, True), again.stderr
    kept = [path for path in host.home.rglob("*") if path.is_file() and "state" in path.parts]
    assert kept
    assert not [path for path in kept if path.stat().st_mode & 0o077]
    server.end_exemptions("alice")
    over = host.laptop.run("true")
    assert over.returncode == 4, over
