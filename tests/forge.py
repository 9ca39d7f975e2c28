"""
A forge for tests: an HTTPS server on loopback that signs tokens as GitHub Actions does, publishes its keys, and hands
tokens to jobs at the address that `ACTIONS_ID_TOKEN_REQUEST_URL` names.
"""

import json
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ostiary.core.words.instants import Instant, to_seconds
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from tests.server import Server, running
from tests.web.oauth.certificates import b64, signed

JOB = "repo:octo-org/octo-repo:ref:refs/heads/main"


class Forge:
    """One issuer with real keys behind a real door; everything it is asked is counted."""

    def __init__(self, folder: Path) -> None:
        tls = local_ca.ensure(folder, local_ca.default_names(), now=SystemClock().now(), environ=os.environ)
        self.authority = tls.ca
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.published: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.up = True
        self.request_token = "the-job's-own-bearer"
        self.now: Instant | None = None
        self.handed: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _door(self))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self._server.server_address[1]}"
        self.subject = JOB
        self.rotate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def rotate(self, *, keep: bool = False) -> None:
        """Sign with a new key from now on; the old ones are published on when *keep*."""
        kid = f"key-{len(self.keys) + 1}"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[kid] = key
        numbers = key.public_key().public_numbers()
        jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _number(numbers.n), "e": _number(numbers.e)}
        self.published = [*(self.published if keep else []), jwk]

    def claims(self, now: Instant, audience: str, **changes: Any) -> dict[str, Any]:
        """What a token of GitHub Actions says; a change to None leaves a claim out."""
        second = to_seconds(now)
        usual = {
            "jti": os.urandom(12).hex(), "sub": self.subject, "aud": audience, "iss": self.issuer, "iat": second,
            "nbf": second - 5, "exp": second + 300, "ref": "refs/heads/main", "repository": "octo-org/octo-repo",
            "repository_owner": "octo-org", "repository_owner_id": "65", "repository_id": "74", "run_id": "1",
            "workflow": "deploy", "actor": "octocat", "event_name": "push", "ref_type": "branch",
            "runner_environment": "github-hosted", "repository_visibility": "private",
        }  # fmt: skip
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, now: Instant, audience: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A signed one."""
        kid = next(reversed(self.keys))
        head = {"kid": kid, "x5t": "aGVsbG8", **(header or {})}
        algorithm = head.pop("alg", "RS256")
        return signed(self.keys[kid], self.claims(now, audience, **changes), algorithm, **head)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _door(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            forge.asked.append(parts.path)
            if not forge.up:
                self.send_error(503)
            elif parts.path == "/.well-known/openid-configuration":
                self._say({"issuer": forge.issuer, "jwks_uri": f"{forge.issuer}/.well-known/jwks"})
            elif parts.path == "/.well-known/jwks":
                self._say({"keys": forge.published})
            elif parts.path == "/token" and self.headers["authorization"] == f"Bearer {forge.request_token}":
                audience = parse_qs(parts.query).get("audience", [""])[0]
                made = forge.token(forge.now or SystemClock().now(), audience)
                forge.handed.append(made)
                self._say({"count": 1, "value": made})
            else:
                self.send_error(401)

        def _say(self, document: Any) -> None:
            raw = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Door


@contextmanager
def forging(folder: Path) -> Iterator[Forge]:
    """A forge until the end of the block."""
    forge = Forge(folder)
    try:
        yield forge
    finally:
        forge.close()


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Where the jobs of a module's tests run."""
    with forging(tmp_path_factory.mktemp("forge")) as made:
        yield made


@pytest.fixture(scope="module")
def server(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may ask the forge for its keys, for the modules that ask for it instead of the usual one."""
    data = tmp_path_factory.mktemp("server") / "data"
    with running(data, outgoing_allow=("127.0.0.1",), outgoing_ca=forge.authority) as started:
        yield started
