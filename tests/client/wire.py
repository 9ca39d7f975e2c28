"""
A small HTTP server that speaks the wire as the standards have it, and can speak it badly.

It is here for what a good server does not do: drop connections, answer garbage, slow down, refuse in every way. The
journeys against the real server are elsewhere. Everything it is told and answers is kept for the tests to look at.
"""

import base64
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"
PENDING = (400, {"error": "authorization_pending", "error_description": "AADSTS70016: pending"})
SLOW_DOWN = (400, {"error": "slow_down"})
DROP: tuple[int, Any] = (0, {})
"""Close the connection without an answer."""
BLOCKED = {
    "error": "access_denied",
    "error_description": "AADSTS53003: Access has been blocked by Conditional Access policies.\r\nTrace ID: t\x1b[31m",
    "error_codes": [53003],
    "suberror": "message_only",
    "correlation_id": "ref-1",
    "error_uri": "https://id.example.com/error/53003?ref=ref-1",
    "ostiary_rules": ["Block device code flow"],
    "something_new": {"ignored": True},
}

Scripted = tuple[int, Any]


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class State:
    """What the server does next, and what it has seen."""

    seen: list[Seen] = field(default_factory=list)
    device: deque[Scripted] = field(default_factory=deque)
    polls: deque[Scripted] = field(default_factory=deque)
    refreshes: deque[Scripted] = field(default_factory=deque)
    graph: dict[tuple[str, str], Any] = field(default_factory=dict)
    approved: bool = False
    code_life: int = 300
    interval: int = 1
    token_life: int = 600
    session_life: int | None = 3600
    id_token_skew: int = 0
    head: int = 0
    families: int = 0
    spent: list[str] = field(default_factory=list)
    revoked: list[dict[str, str]] = field(default_factory=list)
    issuer: str | None = None
    challenge: str = ""
    nonce: str | None = None
    authorize: Callable[[dict[str, str]], dict[str, str]] | None = None
    extra_code: dict[str, Any] = field(default_factory=dict)
    extra_tokens: dict[str, Any] = field(default_factory=dict)
    extra_metadata: dict[str, Any] = field(default_factory=dict)

    def calls(self, path: str) -> list[Seen]:
        """What arrived at *path*."""
        return [seen for seen in self.seen if seen.path.endswith(path)]


class Wire:
    """The running server."""

    def __init__(self, server: ThreadingHTTPServer, scheme: str) -> None:
        self.state = State()
        self.lock = threading.Lock()
        self.origin = f"{scheme}://localhost:{server.server_port}"
        self._server = server

    @property
    def issuer(self) -> str:
        """The GUID's issuer (R20)."""
        return self.state.issuer or f"{self.origin}/{TENANT}/v2.0"

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        base = f"{self.origin}/organizations/oauth2/v2.0"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "device_authorization_endpoint": f"{base}/devicecode",
            "revocation_endpoint": f"{base}/revoke",
            "authorization_response_iss_parameter_supported": True,
            "unknown_to_us": ["x"],
            **self.state.extra_metadata,
        }

    def tokens(self) -> dict[str, Any]:
        """A successful answer; each has a new access token and the next refresh token of the family."""
        state = self.state
        state.head += 1
        answer = {
            "token_type": "Bearer",
            "access_token": f"access-{state.families}-{state.head}",
            "refresh_token": f"refresh-{state.families}-{state.head}",
            "expires_in": state.token_life,
            "scope": f"{self.origin}/User.Read",
            "id_token": self.id_token(),
        }
        if state.session_life is not None:
            answer["ostiary_session_expires_in"] = state.session_life
        return answer | state.extra_tokens

    def id_token(self) -> str:
        """Only its middle part is ever read: it comes straight from the token endpoint."""
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "preferred_username": "alice@example.com",
            "name": "Alice",
        }
        claims |= {"iat": 1_000_000 + self.state.id_token_skew, "exp": 1_000_600 + self.state.id_token_skew}
        if self.state.nonce is not None:
            claims["nonce"] = self.state.nonce
        return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.c2ln"


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def address_string(self) -> str:
        return "local"

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        seen = Seen(
            method,
            parts.path,
            dict(parse_qsl(parts.query)),
            dict(parse_qsl(raw.decode())) if is_form else {},
            json.loads(raw) if raw and not is_form else None,
            {name.lower(): value for name, value in self.headers.items()},
        )
        with self.wire.lock:
            self.wire.state.seen.append(seen)
            status, body = self._answer(seen)
        if status == 0:
            self.close_connection = True
            return
        self._write(status, body)

    def _answer(self, seen: Seen) -> Scripted:
        wire, state = self.wire, self.wire.state
        if seen.path.endswith("/.well-known/openid-configuration") or "/oauth-authorization-server" in seen.path:
            return state.graph.get(("GET", seen.path)) or (200, wire.metadata())
        if seen.path.endswith("/devicecode"):
            return state.device.popleft() if state.device else (200, self._code())
        if seen.path.endswith("/token"):
            return self._token(seen)
        if seen.path.endswith("/revoke"):
            state.revoked.append(seen.form)
            return 200, {}
        if seen.path.endswith("/authorize"):
            return 302, self._authorized(seen)
        found = state.graph.get((seen.method, seen.path), (404, {"error": {"code": "Request_ResourceNotFound"}}))
        return found.popleft() if isinstance(found, deque) else found

    def _code(self) -> dict[str, Any]:
        count = len(self.wire.state.calls("/devicecode"))
        return {
            "device_code": f"device-secret-{count}",
            "user_code": f"WDJB-MJH{count}",
            "verification_uri": f"{self.wire.origin}/devicelogin",
            "expires_in": self.wire.state.code_life,
            "interval": self.wire.state.interval,
            "message": "for clients that show it",
        } | self.wire.state.extra_code

    def _token(self, seen: Seen) -> Scripted:
        state, grant = self.wire.state, seen.form.get("grant_type")
        if grant == "refresh_token":
            return self._refresh(seen)
        if grant == "authorization_code":
            digest = hashlib.sha256(seen.form["code_verifier"].encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != state.challenge:
                return 400, {"error": "invalid_grant"}
        elif state.polls:
            return state.polls.popleft()
        elif not state.approved:
            return PENDING
        state.families += 1
        state.head = 0
        return 200, self.wire.tokens()

    def _refresh(self, seen: Seen) -> Scripted:
        state = self.wire.state
        if state.refreshes:
            return state.refreshes.popleft()
        token = seen.form["refresh_token"]
        if token != f"refresh-{state.families}-{state.head}":
            state.spent.append(token)
            return 400, {"error": "invalid_grant", "suberror": "bad_token", "error_codes": [50173]}
        return 200, self.wire.tokens()

    def _authorized(self, seen: Seen) -> dict[str, str]:
        state, query = self.wire.state, seen.query
        state.challenge, state.nonce = query["code_challenge"], query["nonce"]
        answer = {"code": "code-1", "state": query["state"], "iss": self.wire.issuer}
        answer = state.authorize(answer) if state.authorize else answer
        return {"location": f"{query['redirect_uri']}/?{urlencode(answer)}"}

    def _write(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("location", body["location"])
        for name, value in (body.get("@headers", {}) if isinstance(body, dict) else {}).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def running(context: Any = None) -> Iterator[Wire]:
    """A server on a loopback port of its own; over TLS with the ssl context *context*."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    wire = Wire(server, "http" if context is None else "https")
    handler.wire = wire  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
