"""
A package server that gives its one package to people who were let in: what a protected API has to check.

Every request: the signature by the issuer's published keys, issuer, audience, times and scope (RFC 9068 §4), the proof
of the key where the token is bound to one (RFC 9449 §7.1), and then introspection (RFC 7662), so that the end of an
exemption counts at once and not when the token runs out. Whatever is missing or fails, denies; the answer says which.

Besides, `/ca.pem` is the certificate of the local authority, for everybody: it proves nothing by itself, a machine that
fetches it compares it with the fingerprint that its person was told.
"""

import argparse
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

SCOPE = "Packages.Read"
ALGORITHMS = ["ES256", "RS256"]
PROOF_LIFE = 60  # seconds
LEEWAY = 10
PACKAGE = b"#!/bin/sh\necho 'build tool 1.0'\n"


class Refused(Exception):
    """The check that failed, as `WWW-Authenticate` names it (RFC 6750 §3, RFC 9449 §7.1)."""

    def __init__(self, error: str, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.error, self.why, self.status = error, why, status


@dataclass
class Gate:
    """Who may pass: *origin* is this server's own address, *authority* the service that signs and introspects."""

    origin: str
    authority: str
    audience: str
    client_id: str
    client_secret: str
    http: httpx.Client
    proofs: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        found = self.http.get(f"{self.authority}/organizations/v2.0/.well-known/openid-configuration")
        self.metadata: dict[str, Any] = found.raise_for_status().json()

    def admit(self, method: str, path: str, headers: Message) -> Mapping[str, Any]:
        """The claims of a token that passes every check. Raises Refused."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if any(len(headers.get_all(name, ())) > 1 for name in ("Authorization", "DPoP")):
            raise Refused("invalid_token", "one token, one proof")
        if not token or len(token) > 16_384:
            raise Refused("invalid_token", "no token")
        claims = self._signed(token)
        bound = claims.get("cnf", {}).get("jkt")
        if scheme.lower() != ("dpop" if bound else "bearer") or (claims.get("cnf") and not bound):
            raise Refused("invalid_token", "the token is bound to something else than was shown")
        if bound:
            self._proved(headers.get("DPoP", ""), bound, token, method, path)
        if SCOPE not in str(claims.get("scp", "")).split():
            raise Refused("insufficient_scope", f"the scope {SCOPE} is missing", 403)
        self._alive(token)
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
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
            raise Refused("invalid_token", f"signature, issuer, audience or time: {type(fault).__name__}") from fault
        return dict(claims)

    def _proved(self, proof: str, key: str, token: str, method: str, path: str) -> None:
        try:
            header = jws.extract_compact(proof.encode()).headers()
            jwk = ECKey.import_key(header["jwk"])
            said = jwt.decode(proof, jwk, algorithms=["ES256"])
        except (JoseError, ValueError, KeyError, TypeError) as fault:
            raise Refused("invalid_dpop_proof", "the proof cannot be read") from fault
        claims, now = said.claims, time.time()
        digest = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
        made = claims.get("iat")
        fits = (
            said.header.get("typ") == "dpop+jwt"
            and jwk.thumbprint() == key
            and claims.get("htm") == method
            and claims.get("htu") == self.origin + path
            and claims.get("ath") == digest
            and isinstance(made, int)
            and -PROOF_LIFE < made - now < LEEWAY
        )
        if not fits or not self._first(str(claims.get("jti")), now):
            raise Refused("invalid_dpop_proof", "the proof is of another key, request, token or time")

    def _first(self, jti: str, now: float) -> bool:
        """Whether the proof is the first of its name (§11.1)."""
        with self.lock:
            self.proofs = {name: seen for name, seen in self.proofs.items() if now - seen < PROOF_LIFE + LEEWAY}
            new = jti not in self.proofs and len(self.proofs) < 10_000
            return new and self.proofs.setdefault(jti, now) == now

    def _alive(self, token: str) -> None:
        try:
            asked = self.http.post(
                self.metadata["introspection_endpoint"],
                data={"token": token},
                auth=(self.client_id, self.client_secret),
            )
            active = asked.raise_for_status().json().get("active")
        except (httpx.HTTPError, ValueError, AttributeError) as fault:
            raise Refused("invalid_token", "introspection does not answer") from fault
        if active is not True:
            raise Refused("invalid_token", "introspection: not active any more")


class Handler(BaseHTTPRequestHandler):
    """Two paths: the authority's certificate for everybody, the package for who passes the gate."""

    gate: Gate
    authority: bytes
    timeout = 20

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/ca.pem":
            self._answer(200, self.authority)
        elif self.path != "/build-tool":
            self._answer(404, b"")
        else:
            try:
                claims = self.gate.admit("GET", self.path, self.headers)
            except Refused as no:
                challenge = f'DPoP algs="ES256", error="{no.error}", error_description="{no.why}"'
                self._answer(no.status, f"{no.why}\n".encode(), {"WWW-Authenticate": challenge})
                return
            print(f"{claims['sub']} took the package", flush=True)
            self._answer(200, PACKAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who came is said above."""

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="A package server behind Ostiary.")
    parser.add_argument("--authority", required=True, help="address of the service, https://id.example.com")
    parser.add_argument("--audience", required=True, help="what tokens for this server are called: api://packages")
    parser.add_argument("--client", required=True, help="client id of this server's registration")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with its secret")
    parser.add_argument("--ca", type=Path, required=True, help="certificate of the authority")
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--port", type=int, default=9443)
    given = parser.parse_args()
    http = httpx.Client(verify=ssl.create_default_context(cafile=str(given.ca)), timeout=10, trust_env=False)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    origin = f"https://localhost:{server.server_port}"
    secret = given.secret_file.read_text().strip()
    Handler.gate = Gate(origin, given.authority, given.audience, given.client, secret, http)
    Handler.authority = given.ca.read_bytes()
    print(f"packages at {origin}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
