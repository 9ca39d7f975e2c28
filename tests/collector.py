"""
A collector of traces on loopback, as OpenTelemetry's receive them: OTLP over HTTP. What comes is read by the protocol's
own message definitions, so that what is no OTLP is seen.
"""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Got:
    """One span that came."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    began: int
    ended: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    failed: bool


class Collector:
    """What came."""

    def __init__(self) -> None:
        self.spans: list[Got] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.place = ""

    def take(self, body: bytes) -> None:
        """Read one request. Raises where it is none of the protocol."""
        self.bodies.append(body)
        self.spans += list(read(body))

    def of(self, trace: str) -> list[Got]:
        """The spans of one trace, in the order of their beginnings."""
        return sorted((span for span in self.spans if span.trace == trace), key=lambda span: span.began)


def read(body: bytes) -> Iterator[Got]:
    """The spans of one request. OTLP's JSON writes ids in hexadecimal, protobuf's in base64."""
    told = json_format.ParseDict(_as_protobuf(json.loads(body)), ExportTraceServiceRequest())
    for resource in told.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert (len(span.trace_id), len(span.span_id)) == (16, 8)
                assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
                yield Got(
                    service, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
                    span.start_time_unix_nano, span.end_time_unix_nano, _attributes(span.attributes),
                    [(event.name, _attributes(event.attributes)) for event in span.events], span.status.code == 2,
                )  # fmt: skip


def _as_protobuf(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_protobuf(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(each)).decode() if name in _IDS else _as_protobuf(each)
        for name, each in value.items()
    }


def _attributes(listed: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in listed}


def free_port() -> int:
    """A TCP port of loopback that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port of loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            right = self.path == "/v1/traces" and self.headers["content-type"] == "application/json"
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            if right:
                collector.take(body)
            self.send_response(200 if right else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on standard error."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.place = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(10)
