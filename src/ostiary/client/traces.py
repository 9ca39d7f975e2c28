"""
The client's own spans of a sign-in by code: in the trace of the sign-in, which both sides know by its id.

Only where the variables of OpenTelemetry name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`, or the one for traces); they
go there once, when the sign-in is over, as OTLP's JSON and without any library for it. Never says anything that is a
secret or about the person: methods, paths without their query, statuses.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from urllib.parse import unquote, urlsplit

import httpx

from ostiary.client.exchange import Answer, Call, Lost
from ostiary.client.machine import Machine
from ostiary.core.words.instants import Instant
from ostiary.core.words.traces import SpanKind, TraceSpan, otlp, trace_of, traceparent

__all__ = ["Spans", "spans_of"]

MOST = 512  # spans of one sign-in
PATIENCE = 3.0  # seconds for the collector
SIGN_IN = "ostiary_sign_in"
"""The member of the answer with the code that names the sign-in."""


@dataclass
class Spans:
    """What one command notes; sent only when a sign-in was begun in it."""

    machine: Machine
    endpoint: str
    headers: Mapping[str, str] = field(repr=False)
    began: Instant
    root: str
    trace: str | None = None
    noted: list[TraceSpan] = field(default_factory=list)

    def before(self, step: Call) -> tuple[Call, tuple[str, Instant]]:
        """*step* as it is to be sent; the id of its span and when it began."""
        id = self._id()
        if self.trace is not None:
            step = replace(step, headers={**step.headers, "traceparent": traceparent(self.trace, id)})
        return step, (id, self._now())

    def after(self, step: Call, span: tuple[str, Instant], reply: Answer | Lost) -> None:
        """*step* was answered, or lost."""
        id, began = span
        status = reply.status if isinstance(reply, Answer) else 0
        self._learn(reply)
        about: dict[str, str | int | bool] = {
            "http.request.method": step.method, "url.path": urlsplit(step.url).path[:256],
            **({"http.response.status_code": status} if status else {"error.type": "connection"}),
        }  # fmt: skip
        if step.form is not None and "grant_type" in step.form:
            about["ostiary.grant_type"] = step.form["grant_type"]
        name = f"{step.method} {urlsplit(step.url).path.rpartition('/')[2]}"
        failed = status == 0 or status >= 500
        if len(self.noted) < MOST:
            self.noted.append(
                TraceSpan("", id, name, SpanKind.CLIENT, began, self._now(), self.root, about, failed=failed)
            )

    def _learn(self, reply: Answer | Lost) -> None:
        """The answer with the code names the sign-in; a later code's takes its place."""
        fields = reply.fields_or_none() if isinstance(reply, Answer) and reply.status == 200 else None
        named = fields.get(SIGN_IN) if fields is not None else None
        trace = trace_of(named) if isinstance(named, str) else None
        self.trace = trace or self.trace

    def send(self, *, failed: bool) -> None:
        """Give them to the collector; that it takes none is no reason to fail."""
        if self.trace is None:
            return
        root = TraceSpan(
            self.trace, self.root, "ostiary login", SpanKind.INTERNAL, self.began, self._now(), failed=failed
        )  # fmt: skip
        spans = [root, *(replace(span, trace=self.trace) for span in self.noted)]
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL, ValueError):
            httpx.post(
                self.endpoint, json=otlp("ostiary", version("ostiary"), spans), headers=dict(self.headers),
                timeout=PATIENCE, follow_redirects=False,
            )  # fmt: skip
        self.trace, self.noted, self.root = None, [], self._id()  # a new code is a new sign-in

    def _id(self) -> str:
        return self.machine.random(8).hex()

    def _now(self) -> Instant:
        return Instant(round(self.machine.wall() * 1_000_000))


def spans_of(machine: Machine) -> Spans | None:
    """Nothing noted yet, where the environment names a collector; else none."""
    environ = machine.environ
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    if not endpoint and (base := environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")):
        endpoint = f"{base.rstrip('/')}/v1/traces"
    if not endpoint.startswith(("http://", "https://")) or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    began = Instant(round(machine.wall() * 1_000_000))
    return Spans(machine, endpoint, _headers(environ), began, machine.random(8).hex())


def _headers(environ: Mapping[str, str]) -> Mapping[str, str]:
    """`OTEL_EXPORTER_OTLP_HEADERS`: ``name=value,name=value``, percent-encoded."""
    listed = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    pairs = (part.partition("=") for part in listed.split(","))
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs if name.strip()}
