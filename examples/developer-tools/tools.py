"""
What developers' tools talk to, behind one gate: a piece of the Kubernetes API, a git repository to fetch from, a
registry that says who may come in, and an address at which a pipeline deploys.

Every request: the signature by the issuer's published keys, issuer, audience and times (RFC 9068 §4), and the
permission: a person's in `scp`, a pipeline's in `roles`. kubectl and pipelines bring the token as a Bearer, git and
Docker as a password (RFC 7617). A token that is bound to a key is refused: these tools cannot prove one. Whatever is
missing or fails, denies; the answer says which.
"""

import argparse
import binascii
import json
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

PERMISSION = "Tools.Use"
ALGORITHMS = ["ES256", "RS256"]
LEEWAY = 10  # seconds
LONGEST = 16_384  # characters of a token
CHALLENGE = {"/git/": 'Basic realm="git"', "/v2/": 'Basic realm="registry"'}

PODS = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"]}
META = {"name": "web-1", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}
KUBERNETES: Mapping[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [PODS]},
    "/api/v1/namespaces/default/pods": {
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": [{"kind": "Pod", "apiVersion": "v1", "metadata": META}],
    },
}


class Refused(Exception):
    """The check that failed, in words; *status* as RFC 6750 §3.1 has it."""

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.why, self.status = why, status


@dataclass
class Gate:
    """Who may pass: tokens of *authority* for *audience*."""

    authority: str
    audience: str
    http: httpx.Client

    def __post_init__(self) -> None:
        found = self.http.get(f"{self.authority}/organizations/v2.0/.well-known/openid-configuration")
        self.metadata: dict[str, Any] = found.raise_for_status().json()

    def admit(self, header: str) -> Mapping[str, Any]:
        """The claims of the token in the Authorization *header*. Raises Refused."""
        token = _token(header)
        if not token or len(token) > LONGEST:
            raise Refused("no token")
        try:
            keys = KeySet.import_key_set(self.http.get(self.metadata["jwks_uri"]).raise_for_status().json())
            claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            rules = jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True, "value": self.metadata["issuer"]},
                aud={"essential": True, "value": self.audience},
                exp={"essential": True},
            )
            rules.validate(claims)
        except (JoseError, ValueError, httpx.HTTPError) as fault:
            raise Refused(f"signature, issuer, audience or time: {type(fault).__name__}") from fault
        if "cnf" in claims:
            raise Refused("the token is bound to a key, and nothing here asks for its proof")
        roles = claims.get("roles")
        held = [*str(claims.get("scp", "")).split(), *(roles if isinstance(roles, list) else [])]
        if PERMISSION not in held:
            raise Refused(f"{PERMISSION} is missing", 403)
        return dict(claims)


def _token(header: str) -> str:
    """A Bearer, or the password of a Basic header; empty for anything else."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return value if scheme.lower() == "bearer" else ""
    try:
        return b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


class Handler(BaseHTTPRequestHandler):
    """All of it by its path."""

    gate: Gate
    repositories: Path
    timeout = 20

    def do_GET(self) -> None:
        """Answer who passes the gate."""
        if not self._admitted():
            return
        path = self.path.partition("?")[0]
        if path in KUBERNETES:
            self._answer(200, json.dumps(KUBERNETES[path]).encode(), {"Content-Type": "application/json"})
        elif path == "/v2/":
            self._answer(200, b"{}", {"Docker-Distribution-Api-Version": "registry/2.0"})
        elif path.startswith("/git/") and (file := self._file(path.removeprefix("/git/"))) is not None:
            self._answer(200, file.read_bytes(), {"Content-Type": "application/octet-stream"})
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        """A deployment, by a pipeline alone."""
        claims = self._admitted()
        if not claims:
            return
        if self.path != "/deploy" or claims.get("ostiary_origin") != "workload":
            self._answer(403, b"only a pipeline deploys, and only here\n")
            return
        print(f"deployed for {claims['ostiary_workload']}", flush=True)
        self._answer(200, b"deployed\n")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who came is said above."""

    def _admitted(self) -> Mapping[str, Any] | None:
        shown = self.headers.get_all("Authorization") or [""]
        try:
            return self.gate.admit(shown[0] if len(shown) == 1 else "")
        except Refused as no:
            scheme = next((text for start, text in CHALLENGE.items() if self.path.startswith(start)), "Bearer")
            self._answer(no.status, f"{no.why}\n".encode(), {"WWW-Authenticate": scheme})
            return None

    def _file(self, name: str) -> Path | None:
        """A file of a repository, for git's dumb protocol; nothing outside of the folder."""
        found = (self.repositories / name).resolve()
        return found if found.is_file() and found.is_relative_to(self.repositories.resolve()) else None

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="Kubernetes, git, a registry and deployments behind Ostiary.")
    parser.add_argument("--authority", required=True, help="address of the service, https://id.example.com")
    parser.add_argument("--audience", required=True, help="what tokens for this server are called: api://tools")
    parser.add_argument("--repositories", type=Path, required=True, help="folder with bare git repositories")
    parser.add_argument("--ca", type=Path, required=True, help="certificate of the authority")
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--port", type=int, default=9444)
    given = parser.parse_args()
    http = httpx.Client(verify=ssl.create_default_context(cafile=str(given.ca)), timeout=10, trust_env=False)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    Handler.gate, Handler.repositories = Gate(given.authority, given.audience, http), given.repositories
    print(f"tools at https://localhost:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
