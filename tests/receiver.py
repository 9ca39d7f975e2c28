"""
A receiver of shared signals: an HTTP server on loopback that takes pushed events (RFC 8935) and answers as it is told.

Reads events with joserfc, of which our signing uses nothing.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
UPDATED = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"


def opened(token: str, keys: dict[str, Any]) -> dict[str, Any]:
    """The claims of *token*, whose signature one of the published *keys* proves, and whose form is a SET's."""
    read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])  # type: ignore[arg-type]
    assert read.header["typ"] == "secevent+jwt"
    claims = dict(read.claims)
    assert not {"sub", "exp", "nbf"} & claims.keys()
    assert len(claims["events"]) == 1
    return claims


class Receiver(ThreadingHTTPServer):
    """Remembers what came, and answers each with the next of `answers`, or 202."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        """On a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/events"
        self.tokens: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hold: threading.Event | None = None
        """While this is not set, nobody gets an answer."""
        self.came = threading.Condition()

    def events(self, keys: dict[str, Any]) -> list[dict[str, Any]]:
        """What came, read."""
        return [opened(token, keys) for token in self.tokens]

    def wait(self, count: int, patience: float = 60) -> None:
        """Until so many came."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.tokens) >= count, patience), f"only {len(self.tokens)} came"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """One pushed event."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with self.server.came:
            self.server.tokens.append(body)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, said = self.server.answers.pop(0) if self.server.answers else (202, {})
            self.server.came.notify_all()
        if self.server.hold is not None:
            self.server.hold.wait(60)
        answer = json.dumps(said).encode() if said else b""
        try:
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            pass  # whoever asked has gone

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs until the end of the block."""
    with Receiver() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            if made.hold is not None:
                made.hold.set()
            made.shutdown()
            thread.join()
