"""
Somebody else's sign-in: npm's oidc-provider in a process of its own, and a browser without a screen that goes there.

Owns the process and the forms. Knows nothing of what the house makes of it.
"""

import html
import json
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from sqlalchemy import bindparam, select

from ostiary.app.config import Config
from ostiary.core.directory.people import User
from ostiary.core.logs.kinds import Kind
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.store import directory
from ostiary.store.schema import journal
from ostiary.store.sql import sql
from tests.server import Server

HERE = Path(__file__).parent
PATIENCE = 120.0
SECRET = "a secret with % and + in it"
MFA, PASSWORD, KEY = "urn:test:mfa", "urn:test:pwd", "urn:test:phr"
_ENTRIES = sql(select(journal.c.body).where(journal.c.kind == bindparam("kind")).order_by(journal.c.position))
_FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_AWAY = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


class Peer:
    """One provider, on one port for as long as it may be started again."""

    def __init__(self, origin: str, *, folder: Path, authority: Path, name: str = "elsewhere") -> None:
        self.name, self.port, self._origin = name, 0, origin
        self._authority = authority
        self._process: subprocess.Popen[str] | None = None
        self.start()
        self.secret_file = folder / f"{name}.secret"
        self.secret_file.write_text(SECRET)

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; what it knew before is forgotten."""
        self._process = subprocess.Popen(
            ["node", "provider.mjs", str(self.port), self._origin, self.name], cwd=HERE, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**_environment(), "NODE_NO_WARNINGS": "1", "NODE_EXTRA_CA_CERTS": str(self._authority)},
        )  # fmt: skip
        assert self._process.stdout is not None
        self.port = json.loads(self._process.stdout.readline())["port"]

    def stop(self) -> None:
        """Gone, as in a power cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def pause(self) -> None:
        """There, and silent; it remembers everything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Awake again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def account(self, id: str, claims: Mapping[str, Any] | None = None, *, disabled: bool = False) -> None:
        """What it says of *id* from now on."""
        told = {"id": id, "claims": dict(claims or {}), "disabled": disabled}
        httpx.post(f"{self.issuer}/test/account", json=told, timeout=PATIENCE).raise_for_status()

    def log_out(self, sub: str, sid: str | None = None) -> None:
        """It tells the house by itself that somebody is signed out."""
        told = httpx.post(f"{self.issuer}/test/logout", json={"sub": sub, "sid": sid}, timeout=PATIENCE)
        assert told.status_code == 200, told.text

    def table(self, **more: Any) -> dict[str, Any]:
        """Its `[[upstream]]` table."""
        return {
            "name": self.name, "title": "Somebody else", "issuer": self.issuer, "client_id": "ostiary",
            "client_secret_file": self.secret_file, "scopes": ("openid", "profile", "email", "groups"),
            "acr_values": (MFA, KEY), "recheck": 30, "grace": 60,
            "proofs": ({"acr": MFA, "gives": "mfa"}, {"acr": KEY, "gives": "phishingResistant"}), **more,
        }  # fmt: skip


@contextmanager
def believing(folder: Path, **table: Any) -> Iterator[tuple[Server, Peer]]:
    """A running house that believes a running provider, as *table* says beside the usual, and one that is not there."""
    server = Server(folder / "data")
    server.data.mkdir(mode=0o700)
    names = local_ca.default_names()
    tls = local_ca.ensure(server.data / "tls", names, now=SystemClock().now(), environ=os.environ)
    peer = Peer(server.origin, folder=folder, authority=tls.ca)  # it tells the house of logouts
    try:
        second = {"name": "second", "title": "A second one", "issuer": "https://second.test", "client_id": "ostiary"}
        more = {"upstream": (peer.table(**table), second), "outgoing_allow": (peer.issuer,)}
        server.config = Config(**{**server.config.model_dump(exclude_unset=True), **more})
        server.start()
        try:
            yield server, peer
        finally:
            peer.stop()  # before the house: its connections to it end with it
            server.stop()
    finally:
        peer.stop()


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def entries(server: Server, kind: Kind) -> list[dict[str, Any]]:
    """What the journal says of *kind*, oldest first."""
    rows = server.run(server.house.store.read(lambda tx: tx.all(_ENTRIES, kind=kind.value)))
    return [json.loads(body) for (body,) in rows]


def person(server: Server, name: str) -> User | None:
    """The account of *name*."""
    return server.run(server.house.store.read(lambda tx: directory.find_named(tx, name)))


def eventually(what: Callable[[], bool]) -> None:
    """Wait for a job of the running house."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)


class Browser:
    """Somebody's browser: it keeps cookies, follows redirects and presses buttons."""

    def __init__(self, server: Server) -> None:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        self.http = httpx.Client(verify=context, follow_redirects=True, timeout=PATIENCE, trust_env=False)
        self.origin = server.origin
        self.at = httpx.Response(200)

    def close(self) -> None:
        """Closed."""
        self.http.close()

    def open(self, path: str) -> httpx.Response:
        """Go to a page of ours, or anywhere."""
        self.at = self.http.get(urljoin(self.origin, path))
        return self.at

    def press(self, action: str, **fields: str) -> httpx.Response:
        """Send the form whose action begins with *action*, with what it holds hidden and *fields*."""
        base = str(self.at.url)
        for place, inner in _FORM.findall(self.at.text):
            if html.unescape(place).startswith(action):
                hidden = {name: html.unescape(value) for name, value in _HIDDEN.findall(inner)}
                host = f"{self.at.url.scheme}://{self.at.url.netloc.decode()}"
                headers = {"origin": host, "sec-fetch-site": "same-origin"}
                self.at = self.http.post(
                    urljoin(base, html.unescape(place)), data={**hidden, **fields}, headers=headers
                )  # fmt: skip
                return self.at
        raise AssertionError(f"no form {action} on {base}: {self.at.text[:2000]}")

    def onward(self) -> str:
        """Where the page leads by itself."""
        found = _AWAY.search(self.at.text)
        assert found is not None, self.at.text[:2000]
        return html.unescape(found[1])

    def go_elsewhere(self, peer: Peer, *, back: str = "/account") -> httpx.Response:
        """From our sign-in page to the provider's."""
        self.open(f"/signin?return={back}")
        self.press(f"/signin/upstream/{peer.name}")
        return self.open(self.onward())

    def sign_in(self, peer: Peer, who: str, proof: str = MFA, *, back: str = "/account") -> httpx.Response:
        """All the way: to the provider, its form unless it remembers the browser, and back."""
        at = self.go_elsewhere(peer, back=back)
        if not at.url.path.startswith("/interaction/"):
            return at
        return self.press("/interaction/", login=who, acr=proof)

    def signed_in(self) -> bool:
        """Whether the account's page opens."""
        answer = self.open("/account")
        return answer.status_code == 200 and answer.url.path == "/account"
