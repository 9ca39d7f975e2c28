"""
The admin API as Microsoft Graph is spoken: pages, errors, both doors.
"""

import json
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ostiary.client.errors import (
    Conflict,
    DeniedByPolicy,
    Exit,
    Misused,
    NotSignedIn,
    OstiaryError,
    ServerFault,
    StepUpNeeded,
    Unreachable,
)
from ostiary.client.graph import Graph, local_graph, remote_graph
from tests.client.conftest import Clock
from tests.client.wire import DROP, Wire


@pytest.fixture
def graph(wire: Wire, clock: Clock) -> Iterator[Graph]:
    with remote_graph(wire.origin, lambda refused: "second" if refused else "first", clock.machine()) as client:
        yield client


def test_a_list_is_followed_to_its_last_page(wire: Wire, graph: Graph) -> None:
    """The link is used as it is; as many as were wanted and no more."""
    more = f"{wire.origin}/v1.0/more?$skiptoken=a%20b"
    wire.state.graph["GET", "/v1.0/users"] = (200, {"value": [{"id": 1}, {"id": 2}], "@odata.nextLink": more})
    wire.state.graph["GET", "/v1.0/more"] = (200, {"value": [{"id": 3}]})
    assert [item["id"] for item in graph.items("/users", {"$filter": "displayName eq 'a&b'"})] == [1, 2, 3]
    assert [item["id"] for item in graph.items("/users", most=2)] == [1, 2]
    assert [seen.query for seen in wire.state.seen][:2] == [{"$filter": "displayName eq 'a&b'"}, {"$skiptoken": "a b"}]


def test_the_token_does_not_follow_a_page_to_another_server(wire: Wire, graph: Graph) -> None:
    """A next link is data; it must not carry the person's token away."""
    wire.state.graph["GET", "/v1.0/users"] = (200, {"value": [], "@odata.nextLink": "https://evil.example.com/x"})
    with pytest.raises(ServerFault):
        list(graph.items("/users"))


def test_a_beta_path_is_asked_for_as_it_is(wire: Wire, graph: Graph) -> None:
    """Where only beta has a field."""
    wire.state.graph["GET", "/beta/auditLogs/signIns"] = (200, {"value": [{"id": "s"}]})
    assert [item["id"] for item in graph.items("/beta/auditLogs/signIns")] == ["s"]


def test_a_refused_token_is_replaced_once(wire: Wire, graph: Graph) -> None:
    """401: the next token; 401 again: not signed in."""
    wire.state.graph["GET", "/v1.0/me"] = deque([(401, {}), (200, {"id": "me"}), (401, {}), (401, {})])
    assert graph.get("/me")["id"] == "me"
    assert [seen.headers["authorization"] for seen in wire.state.seen] == ["Bearer first", "Bearer second"]
    with pytest.raises(NotSignedIn):
        graph.get("/me")


ERRORS: list[tuple[int, dict[str, Any], type[OstiaryError], Exit]] = [
    (400, {}, Misused, Exit.USAGE),
    (403, {"code": "Authorization_RequestDenied"}, DeniedByPolicy, Exit.DENIED_BY_POLICY),
    (404, {"code": "Request_ResourceNotFound"}, Misused, Exit.USAGE),
    (409, {"code": "Request_Conflict"}, Conflict, Exit.CONFLICT),
    (412, {"code": "preconditionFailed"}, Conflict, Exit.CONFLICT),
    (401, {"code": "InteractionRequired"}, StepUpNeeded, Exit.NOT_SIGNED_IN),
    (500, {}, ServerFault, Exit.SERVER),
    (503, {}, ServerFault, Exit.SERVER),
    (302, {}, ServerFault, Exit.SERVER),
]


@pytest.mark.parametrize(("status", "error", "kind", "exit_status"), ERRORS)
def test_each_error_has_one_meaning(
    wire: Wire, graph: Graph, status: int, error: dict[str, Any], kind: type[OstiaryError], exit_status: Exit
) -> None:
    """Sentence and reference of the envelope are kept; a redirect is not followed."""
    envelope = {"error": {**error, "message": "No.\x1b[2J", "innerError": {"request-id": "ref-9"}}}
    wire.state.graph["POST", "/v1.0/users"] = (status, envelope | {"location": "/elsewhere"})
    with pytest.raises(OstiaryError) as caught:
        graph.post("/users", {"a": 1})
    assert type(caught.value) is kind
    assert caught.value.exit is exit_status
    assert caught.value.message == "No. [2J"
    assert caught.value.refusal is not None
    assert caught.value.refusal.reference == "ref-9"
    assert len(wire.state.seen) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": 7}', b'{"error": {"message": {}}}', b""])
def test_an_error_of_another_shape_is_still_an_error(wire: Wire, graph: Graph, body: bytes) -> None:
    """A proxy's page, nothing at all: exit 7 with the status."""
    wire.state.graph["GET", "/v1.0/me"] = (502, body)
    with pytest.raises(ServerFault, match="502"):
        graph.get("/me")


def test_a_write_is_never_sent_twice_on_its_own(wire: Wire, graph: Graph) -> None:
    """After a lost answer nobody knows whether it was done; the person decides."""
    wire.state.graph["POST", "/v1.0/users"] = DROP
    with pytest.raises(Unreachable):
        graph.post("/users", {})
    assert len(wire.state.seen) == 1


def test_a_change_of_what_was_read_names_its_tag(wire: Wire, graph: Graph) -> None:
    """With every try, a second token's too; without one nothing would be compared, and nothing is sent."""
    path = "/v1.0/things/1"
    refused = {"error": {"code": "preconditionFailed", "message": "Somebody changed it."}}
    wire.state.graph["PATCH", path] = deque([(401, {}), (200, {}), (412, refused), (200, {})])
    read = {"id": "1", "@odata.etag": '"v1"'}
    graph.patch("/things/1", {"a": 1}, seen=read)
    with pytest.raises(Conflict) as caught:
        graph.patch("/things/1", {"a": 2}, seen=read)
    assert (caught.value.exit, caught.value.message) == (Exit.CONFLICT, "Somebody changed it.")
    graph.patch("/things/1", {"a": 3})
    assert [seen.headers.get("if-match") for seen in wire.state.seen] == ['"v1"', '"v1"', '"v1"', None]
    for tag in (None, 7, '"v\n1"', '"é"'):
        with pytest.raises(ServerFault):
            graph.patch("/things/1", {"a": 4}, seen={"@odata.etag": tag})
    assert len(wire.state.seen) == 4


def test_too_many_requests_are_waited_for(wire: Wire, graph: Graph, clock: Clock) -> None:
    """Retry-After in seconds, at most a minute, at most three times."""
    busy = (429, {"@headers": {"retry-after": "7"}})
    wire.state.graph["GET", "/v1.0/me"] = deque([busy, (200, {"id": 1})])
    assert graph.get("/me") == {"id": 1}
    assert clock.waits == [7.0]


def test_the_local_door_is_a_socket_and_needs_no_token(tmp_path: Path, clock: Clock) -> None:
    """R2: the same API under the data folder; next links come back through the socket."""
    with local_server(tmp_path) as seen, local_graph(tmp_path, clock.machine()) as graph:
        assert [item["id"] for item in graph.items("/ostiary/keys")] == ["k1", "k2"]
    assert [path for path, _ in seen] == ["/v1.0/ostiary/keys", "/v1.0/ostiary/keys?page=2"]
    assert all("authorization" not in headers for _, headers in seen)


def test_a_local_door_that_is_not_there_is_explained(tmp_path: Path, clock: Clock) -> None:
    """Exit 7, with the place where it was looked for."""
    with pytest.raises(Unreachable, match=r"admin\.sock"):
        local_graph(tmp_path, clock.machine())


class local_server:  # noqa: N801  used like a function
    """An HTTP server on `admin.sock` in *folder* with two pages of keys."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                page: dict[str, Any] = {"value": [{"id": "k2"}]}
                if "page" not in self.path:
                    page = {
                        "value": [{"id": "k1"}],
                        "@odata.nextLink": "https://id.example.com" + self.path + "?page=2",
                    }
                raw = json.dumps(page).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def address_string(self) -> str:
                return "local"

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = socketserver.ThreadingUnixStreamServer(str(folder / "admin.sock"), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> list[tuple[str, dict[str, str]]]:
        self.thread.start()
        return self.seen

    def __exit__(self, *fault: object) -> None:
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()
