"""
Sinks: other systems that are sent every entry of the journal, in order. Pure: who they are, how entries are put on the
wire, when to try again.

* A webhook gets batches in one JSON object, signed as notices are (Standard Webhooks).
* Syslog over TLS gets a message for each entry: RFC 5424, framed by octet counting (RFC 5425 §4.3).

What is sent carries no salt and no proof: an export does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.formats import Format, line_in
from ostiary.core.logs.ocsf import HIGH, INFORMATIONAL, ocsf, severity
from ostiary.core.words.destinations import Place, place_of
from ostiary.core.words.instants import Instant, Span, after, minutes, seconds, to_iso
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "ALERT_AFTER", "MOST_SINKS", "PURPOSE", "Batch", "Body", "Form", "Sink", "Target", "again", "as_syslog",
    "as_webhook", "read_target",
]  # fmt: skip

PURPOSE = "log-sinks"  # of the seal of an address and its secret
MOST_SINKS = 8
ALERT_AFTER = 5
"""Failures in a row after which administrators are told, once until it works again."""
LARGEST = 60_000  # bytes of a batch: an outgoing request has 64 KiB
ENTRY = 24_000  # bytes of one entry in it; a larger one goes without its detail
SYSLOG_PORT = 6514  # RFC 5425 §4.1
AUDIT = 13  # RFC 5424 §6.2.1: facility "log audit"
_SEVERITIES = {INFORMATIONAL: 6, HIGH: 2}  # informational, critical; a warning between
_STEPS: tuple[Span, ...] = (seconds(5), seconds(30), minutes(2), minutes(10))


class Form(StrEnum):
    """How it is reached."""

    WEBHOOK = "webhook"
    SYSLOG = "syslog"


class Body(StrEnum):
    """In which words."""

    JSON = "json"
    """The entry as the journal has it."""
    OCSF = "ocsf"
    CEF = "cef"
    """Syslog only."""


@dataclass(frozen=True, slots=True)
class Sink:
    """One of them, without its address."""

    id: str
    name: str
    form: Form
    body: Body
    host: str
    """All of its address that is ever shown."""
    created: Instant
    sent: Instant | None = None
    """When a batch last arrived."""
    failures: int = 0
    """In a row."""
    trouble: str = ""
    """Why the last one failed, in a word."""
    behind: int = 0
    """Entries of the journal that it has still to be sent, about."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to."""

    url: str
    """Of a webhook; of syslog the same with its host and port."""
    place: Place


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes in one piece."""

    last: int
    """Position of its last entry."""
    data: bytes
    id: str
    """The same whenever the same entries are sent again."""


def read_target(form: Form, body: Body, address: str) -> Target | Refused:
    """``https://…`` of a webhook, ``host`` or ``host:port`` of syslog. Refused: INVALID_VALUE."""
    if form is Form.WEBHOOK and body is Body.CEF:
        return Refused(Reason.INVALID_VALUE, "A webhook is sent json or ocsf.", field="body")
    url = address.strip() if form is Form.WEBHOOK else f"https://{address.strip()}"
    place = place_of(url)
    if form is Form.SYSLOG and place is not None:
        named, _, rest = url.removeprefix("https://").partition("/")
        if rest or "?" in named or "#" in named:
            place = None
        elif not named.endswith(f":{place.port}"):
            place = Place("https", place.host, SYSLOG_PORT)
    if place is None or (form is Form.WEBHOOK and not url.startswith(("https://", "http://"))):
        shown = "https://host/path" if form is Form.WEBHOOK else "host or host:port, with TLS"
        return Refused(Reason.INVALID_VALUE, f"Such an address is {shown}.", field="address")
    return Target(url, place)


def again(failures: int, now: Instant) -> Instant:
    """When to try again after so many failures in a row: never given up, since nothing may be left out."""
    return after(now, _STEPS[min(max(failures, 1), len(_STEPS)) - 1])


def as_webhook(entries: Sequence[Recorded], body: Body, sink: str) -> Batch:
    """As many of *entries* (at least one) as a request carries."""
    parts: list[str] = []
    size, last = 0, entries[0]
    for entry in entries:
        part = _json(_slim(entry, body))
        if parts and size + len(part.encode()) > LARGEST:
            break
        size += len(part.encode()) + 1
        parts.append(part)
        last = entry
    head = f'{{"type":"ostiary.journal","timestamp":"{to_iso(last.at)}","data":{{"format":"{body.value}","entries":['
    return _batch(entries[0], last, f"{head}{','.join(parts)}]}}}}".encode(), sink)


def as_syslog(entries: Sequence[Recorded], body: Body, sink: str, host: str) -> Batch:
    """As many of *entries* (at least one) as one connection carries; *host* is what this service is called."""
    data, last = b"", entries[0]
    for entry in entries:
        message = _message(entry, body, host)
        frame = b"%d " % len(message) + message
        if data and len(data) + len(frame) > LARGEST:
            break
        data += frame
        last = entry
    return _batch(entries[0], last, data, sink)


def _batch(first: Recorded, last: Recorded, data: bytes, sink: str) -> Batch:
    return Batch(last.position, data, f"{sink}.{first.position}-{last.position}")


def _message(entry: Recorded, body: Body, host: str) -> bytes:
    """RFC 5424: PRI, version, time, host, name, process, message id, structured data, message."""
    level = _SEVERITIES.get(severity(entry.kind), 4)
    number = entry.position % 2_147_483_647 or 1  # §7.3.1
    head = f"<{AUDIT * 8 + level}>1 {to_iso(entry.at)} {_name(host, 255)} ostiary - {_name(entry.kind, 32)}"
    slim = _slimmed(entry)
    text = line_in(Format.CEF, slim) if body is Body.CEF else _json(ocsf(slim) if body is Body.OCSF else slim)
    mark = "" if text.isascii() else "\ufeff"  # §6.4: what is UTF-8 says so
    return f'{head} [meta sequenceId="{number}"] {mark}{text}'.encode()


def _name(text: str, longest: int) -> str:
    """Printable ASCII without spaces, as header fields are (§6)."""
    return "".join(c for c in text if "!" <= c <= "~")[:longest] or "-"


def _slim(entry: Recorded, body: Body) -> Mapping[str, Any]:
    slim = _slimmed(entry)
    return ocsf(slim) if body is Body.OCSF else slim


def _slimmed(entry: Recorded) -> dict[str, Any]:
    """The entry without its salt, and without a detail that would stop everything after it."""
    found = {name: value for name, value in entry.body.items() if name != "salt"}
    size = len(_json(found).encode())
    return found if size <= ENTRY else {**found, "detail": {"omitted_bytes": size}}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
