"""
Spans of a trace, as values and as OTLP's JSON (OpenTelemetry protocol 1.x, HTTP).

The trace of a sign-in has the sign-in's own id: a GUID is 128 bits, and so is a trace's. Both sides of the wire make
spans, so the form of them stands here; sending is for whoever may.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ostiary.core.words.ids import is_guid
from ostiary.core.words.instants import Instant

__all__ = ["Answered", "Happened", "SpanKind", "TraceSpan", "otlp", "parent_in", "sampled", "trace_of", "traceparent"]

Attributes = Mapping[str, str | int | bool]

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_RANDOM = 56  # bits at the end of a trace id that are random in a GUID, too (W3C Trace Context 2, §random-trace-id)
_FAILED = 2  # STATUS_CODE_ERROR


class SpanKind(IntEnum):
    """As OTLP numbers them."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Happened:
    """A moment in a span."""

    name: str
    at: Instant
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One piece of work. `trace` has 32 hexadecimal digits, `id` and `parent` 16; no parent: a root."""

    trace: str
    id: str
    name: str
    kind: SpanKind
    began: Instant
    ended: Instant
    parent: str = ""
    attributes: Attributes = field(default_factory=dict)
    events: tuple[Happened, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered."""

    id: str
    """Its reference."""
    route: str
    """The template that it took."""
    method: str
    status: int
    """0: nothing was sent."""
    began: Instant
    ended: Instant
    parent: str = ""
    """The `traceparent` that came with it."""


def trace_of(guid: str) -> str | None:
    """The trace of the sign-in *guid*; None where that is no GUID of ours."""
    return guid.replace("-", "") if is_guid(guid) else None


def sampled(trace: str, ratio: float) -> bool:
    """Whether *trace* is among the *ratio* of all that are kept: everybody who is asked says the same."""
    return int(trace[-_RANDOM // 4 :], 16) < int(ratio * (1 << _RANDOM))


def traceparent(trace: str, span: str) -> str:
    """The header that names the span from which a request comes (W3C Trace Context)."""
    return f"00-{trace}-{span}-01"


def parent_in(header: str, trace: str) -> str:
    """
    The span that *header* names, where it is of *trace*; else nothing. Whoever sends a request may say what it is a
    part of, never into which trace it goes.
    """
    found = _PARENT.fullmatch(header)
    return found[2] if found and found[1] == trace and found[2].strip("0") else ""


def otlp(service: str, version: str, spans: Sequence[TraceSpan]) -> dict[str, Any]:
    """*spans* as the body of a request to ``/v1/traces`` (ExportTraceServiceRequest)."""
    resource = {"attributes": _attributes({"service.name": service, "service.version": version})}
    scope = {"name": "ostiary", "version": version}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [*map(_span, spans)]}]}]}


def _span(span: TraceSpan) -> dict[str, Any]:
    told: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": _nanoseconds(span.began),
        "endTimeUnixNano": _nanoseconds(max(span.began, span.ended)),
        "attributes": _attributes(span.attributes),
        "flags": 1,  # sampled
    }
    if span.parent:
        told["parentSpanId"] = span.parent
    if span.events:
        told["events"] = [
            {"timeUnixNano": _nanoseconds(each.at), "name": each.name, "attributes": _attributes(each.attributes)}
            for each in span.events
        ]
    if span.failed:
        told["status"] = {"code": _FAILED}
    return told


def _nanoseconds(moment: Instant) -> str:
    return str(moment * 1000)


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: str | int | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value}
