"""
The listener that a browser comes back to: 127.0.0.1, a port that the system chooses, one answer (RFC 8252 §7.3, §8.3).

It tells nobody anything: requests for other paths get 404, requests without our `state` 400 and the wait goes on, so
another program on this machine can neither end the wait nor put an answer into it. The page it shows holds no part of
the request.
"""

from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

from ostiary.core.words.digests import same

__all__ = ["Loopback"]

_TURN = 0.5  # seconds; short turns, so that Ctrl-C and cancellation are seen
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Ostiary</title>"
    "<p>{} You can close this window and go back to the terminal.</p></html>"
)
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)


class Loopback:
    """A listener for one return; use it as a context manager, so that the port is closed whatever happens."""

    def __init__(self, path: str) -> None:
        self._server = _Server(path)

    @property
    def address(self) -> str:
        """The redirect URI."""
        return f"http://127.0.0.1:{self._server.server_port}{self._server.path}"

    def turn(self, state: str) -> Mapping[str, str] | None:
        """Serve at most one request, for at most half a second; the query, once a request with our *state* has come."""
        self._server.state = state
        self._server.timeout = _TURN
        self._server.handle_request()
        return self._server.query

    def wait(self, seconds: float, state: str, clock: Callable[[], float]) -> Mapping[str, str] | None:
        """The query of the first request with our *state*, or None after *seconds* by *clock*."""
        until = clock() + seconds
        while clock() < until:
            query = self.turn(state)
            if query is not None:
                return query
        return None

    def __enter__(self) -> "Loopback":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One GET; the standard library bounds the line and the headers."""

    server: "_Server"
    server_version = "ostiary"
    sys_version = ""
    timeout = 5

    def do_GET(self) -> None:
        """Take the browser's return, or turn the request away."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, max_num_fields=20))
        if parts.path != (self.server.path or "/"):
            self._answer(404, "There is nothing here.")
        elif not same(query.get("state", "").encode(errors="replace"), self.server.state.encode()):
            self._answer(400, "This is not the answer to the sign-in that waits here.")
        else:
            self.server.query = query
            self._answer(200, "Signed in." if "code" in query else "The sign-in did not succeed.")

    def _answer(self, status: int, sentence: str) -> None:
        page = _PAGE.format(sentence).encode()
        self.send_response(status)
        for name, value in (*_HEADERS, ("Content-Length", str(len(page)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the line would hold the code."""


class _Server(HTTPServer):
    def __init__(self, path: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.path = path
        self.state = ""
        self.query: Mapping[str, str] | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """A request that breaks off is not ours to report; the wait goes on."""
