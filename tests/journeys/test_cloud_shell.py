"""
`examples/cloud-shell` as its page tells it: an installer in a web console without browser, state or trust (P16, R22).

The console is a sandbox with a read-only root, a home in memory and a way out through another address, which the
operator's ASN file knows as hosting; the person sits before a real browser elsewhere.
"""

import json
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from ostiary.client import Session, open_cache, places
from ostiary.client.machine import Machine
from tests import mmdb
from tests.app.container import ROOT
from tests.cli.conftest import PATIENCE
from tests.cli.test_terminal import terminal
from tests.journeys.box import VENV, Box, box
from tests.journeys.browser import Desk, Person
from tests.journeys.test_admin_verbs import Clerk, at_browser
from tests.journeys.test_cli import Installed, code_on, installed
from tests.server import Server, running

EXAMPLE = ROOT / "examples" / "cloud-shell"
SHELL_ADDRESS = "127.0.0.9"
SCOPE = "api://packages/Packages.Read"

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs Debian's bubblewrap")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose operator names an ASN file: people have broadband, the console a hosting address."""
    folder = tmp_path_factory.mktemp("server")
    broadband, hosting = (
        {"autonomous_system_number": number, "autonomous_system_organization": name}
        for number, name in ((64500, "Example Broadband"), (64501, "Example Hosting"))
    )
    mmdb.write(folder / "asn.mmdb", {"127.0.0.1/32": broadband, f"{SHELL_ADDRESS}/32": hosting})
    with running(folder / "data", geo_asn=folder / "asn.mmdb") as started:
        yield started


class Packages:
    """The example's two registrations and its package server, made by the commands of its page."""

    def __init__(self, server: Server, clerk: Clerk, folder: Path) -> None:
        self.server, self.folder = server, folder
        script = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)[0]
        environ = {
            **clerk.program.environ,
            "PATH": f"{VENV / 'bin'}:{clerk.program.environ['PATH']}",
            "OWNER": server.people["bea"].username,
            "PERSON": server.people["alice"].username,
            "REVIEW": str(datetime.now(UTC).date() + timedelta(days=90)),
        }
        done = subprocess.run(
            ["sh", "-ec", script],
            env=environ,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.own, self.client = (
            str(clerk.rows("app", "show", name)[0]["appId"]) for name in ("Package server", "Package installer")
        )
        self.address = ""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve until the end."""
        tls = self.server.data / "tls"
        words = [sys.executable, str(EXAMPLE / "resource_server.py"), "--port", "0", "--audience", "api://packages"]
        words += ["--authority", self.server.origin, "--client", self.own, "--secret-file", "packages.secret"]
        words += [
            "--ca",
            str(tls / "ca.pem"),
            "--certificate",
            str(tls / "server.pem"),
            "--key",
            str(tls / "server.key"),
        ]
        with subprocess.Popen(words, cwd=self.folder, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                self.address = process.stdout.readline().removeprefix("packages at ").strip()
                assert self.address, "it did not start"
                yield
            finally:
                process.terminate()

    @property
    def fingerprint(self) -> str:
        """As the page's command prints it."""
        words = ["openssl", "x509", "-in", str(self.server.authority), "-noout", "-fingerprint", "-sha256"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return done.stdout.strip().partition("=")[2]


@pytest.fixture(scope="module")
def packages(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """Everything set up, an exemption of Alice's for the installer open."""
    made = Packages(
        server, at_browser(server, chromium, "bea", tmp_path_factory.mktemp("bea")), tmp_path_factory.mktemp("set")
    )
    with made.open():
        yield made


class _WayOut(BaseHTTPRequestHandler):
    """The console's way out (RFC 9110 §9.3.6): what leaves has its address."""

    def do_CONNECT(self) -> None:
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), source_address=(SHELL_ADDRESS, 0)) as there:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            ends = {there: self.connection, self.connection: there}
            while True:
                for end in select.select(list(ends), [], [], PATIENCE)[0]:
                    found = end.recv(65536)
                    if not found:
                        return
                    ends[end].sendall(found)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def way_out() -> Iterator[str]:
    """The address of the console's proxy."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _WayOut)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_port}"
    proxy.shutdown()
    thread.join(10)
    proxy.server_close()


@pytest.fixture
def console(way_out: str, tmp_path: Path) -> Box:
    """Read-only but for a home in memory and one folder for what is installed; another user, no capabilities."""
    (tmp_path / "installed").mkdir()
    environ = {"HOME": "/home", "HTTPS_PROXY": way_out, "container": "sandbox"}
    places = {"read": {EXAMPLE: "/srv/cloud-shell"}, "write": {tmp_path / "installed": "/srv/installed"}}
    made = box(tmp_path / "root", environ, **places, memory=("/home",))
    return replace(made, words=(*made.words, "--chdir", "/home"))


def ticket(person: Person, server: Server) -> str:
    """Take a ticket for the installer on the page."""

    def take(page: Page) -> str:
        page.goto(f"{server.origin}/ticket")
        page.get_by_label("What for").select_option(label="Package installer")
        with page.expect_navigation():
            page.get_by_role("button", name="Take a ticket", exact=True).click()
        return page.locator(".ticket strong").inner_text()

    return person.look(take)


@contextmanager
def alice_at(chromium: Desk, server: Server) -> Iterator[Person]:
    """Alice on her managed laptop."""
    alice = server.people["alice"]
    with chromium.person(server.origin) as person:
        person.sign_in(alice.username, alice.password, alice.totp())
        yield person


def test_p16_the_installer_finishes(
    server: Server, packages: Packages, chromium: Desk, console: Box, tmp_path: Path
) -> None:
    """Ticket, code, approval, package; nothing stays but the tool, and the sign-in is over."""
    words = ("/srv/cloud-shell/install.sh", server.origin, packages.address, packages.client, packages.fingerprint)
    with alice_at(chromium, server) as alice, terminal(console, *words, "/srv/installed") as screen:
        screen.wait_for("Type the ticket")
        screen.type(f"{ticket(alice, server)}\n")
        alice.enter_code(code_on(screen))
        shown = alice.says()
        alice.approve()
        assert screen.end() == 0, screen.seen
    assert "Example Hosting" in shown
    assert "rents out computers to anybody" in shown
    assert "installed: /srv/installed/build-tool" in screen.seen
    assert "Signed out." in screen.seen
    tool = tmp_path / "installed" / "build-tool"
    done = subprocess.run([tool], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "build tool 1.0\n"
    assert not re.search(r"eyJ[\w-]{20,}", screen.seen)


def test_r22_without_a_ticket_nothing_begins(server: Server, packages: Packages, console: Box) -> None:
    """The same person, the same exemption: refused at the start, before a code exists."""
    fetched = (
        f"curl -sk -o ca.pem {packages.address}/ca.pem; export SSL_CERT_FILE=ca.pem OSTIARY_SERVER={server.origin}"
    )
    login = f"ostiary login --device-code --json --client {packages.client} --scope {SCOPE}"
    for more in ("", " --ticket-code BBBBB-BBBBB"):
        done = console.run("sh", "-c", f"{fetched}; {login}{more}")
        last = json.loads(done.stdout.splitlines()[-1])
        assert (done.returncode, last["event"], last["error"]) == (4, "error", "access_denied"), done.stderr
        assert "ticket" in last["message"]
        assert "user_code" not in done.stdout


def test_nothing_is_sent_to_another_authority(server: Server, packages: Packages, console: Box) -> None:
    """Told another fingerprint, the installer stops; told none, the program trusts nobody."""
    words = (server.origin, packages.address, packages.client, "00:" * 31 + "00")
    done = console.run("/srv/cloud-shell/install.sh", *words)
    assert done.returncode == 4, done.stderr
    assert "nothing was sent" in done.stderr
    bare = console.run("ostiary", "login", "--device-code", "--server", server.origin)
    assert bare.returncode == 7
    assert "certificate" in bare.stderr.lower()


@pytest.fixture
def program(server: Server, packages: Packages, chromium: Desk, tmp_path: Path) -> Installed:
    """Alice's sign-in by the installer's registration, on a machine that keeps it."""
    program = installed(server, tmp_path)
    login = ("login", "--device-code", "--store", "plaintext", "--client", packages.client, "--scope", SCOPE)
    with (
        alice_at(chromium, server) as alice,
        terminal(program, *login, "--ticket-code", ticket(alice, server)) as screen,
    ):
        alice.enter_code(code_on(screen))
        alice.approve()
        assert screen.end() == 0, screen.seen
    return program


def test_the_package_server_checks_everything(server: Server, packages: Packages, program: Installed) -> None:
    """Key, request and repetition of the proof; whose token; and that the exemption is still open."""
    machine = Machine(environ=program.environ)
    session = Session(open_cache("default", "plaintext", places(machine), machine))
    token, prover = session.token().token, session.prover()
    assert prover is not None
    address = f"{packages.address}/build-tool"
    with httpx.Client(verify=ssl.create_default_context(cafile=str(server.authority))) as http:

        def get(scheme: str = "DPoP", token: str = token, proof: str = "") -> tuple[int, str]:
            headers = {"authorization": f"{scheme} {token}"} | ({"dpop": proof} if proof else {})
            answer = http.get(address, headers=headers)
            return answer.status_code, answer.text.strip()

        good = prover.header("GET", address, token)
        assert get(proof=good) == (200, "#!/bin/sh\necho 'build tool 1.0'")
        wrong = "the proof is of another key, request, token or time"
        assert get(proof=good) == (401, wrong)
        assert get(proof=prover.header("POST", address, token)) == (401, wrong)
        assert get(proof=prover.header("GET", f"{packages.address}/other", token)) == (401, wrong)
        assert get(proof=prover.header("GET", address, token + "x")) == (401, wrong)
        assert get(proof="x.y.z") == (401, "the proof cannot be read")
        assert get() == (401, "the proof cannot be read")
        assert get("Bearer") == (401, "the token is bound to something else than was shown")
        head, body, signature = token.split(".")
        assert get(token=f"{head}.{body}.{signature[::-1]}")[1].startswith("signature")
        assert http.get(address).text.strip() == "no token"
        server.end_exemptions("alice")
        assert get(proof=prover.header("GET", address, token)) == (401, "introspection: not active any more")
