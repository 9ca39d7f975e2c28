"""
The journal in the formats of other tools: lines of CSV, OCSF and CEF. Only JSON lines (`export_lines`) carry the proof.

* CSV: RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
* OCSF: one JSON object a line (`ocsf`).
* CEF 0: header fields escape backslash and pipe, extension values backslash, equals sign and line breaks.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from ostiary.core.logs.ocsf import HIGH, INFORMATIONAL, PRODUCT, event_of, ocsf, severity
from ostiary.core.words.csv_cells import defused, row
from ostiary.core.words.instants import Instant, to_iso

__all__ = ["Format", "cef", "csv_head", "csv_line", "line_in"]

_COLUMNS = (
    "time", "action", "actor", "actor_name", "address", "agent", "origin", "target", "story", "visit", "stream",
    "number", "detail",
)  # fmt: skip
_LONGEST = 4000  # characters of a CEF custom string
_SEVERITIES = {INFORMATIONAL: 2, HIGH: 8}  # of 10; what failed lies between


class Format(StrEnum):
    """What an export can be written in."""

    JSONL = "jsonl"
    """With the proof."""
    CSV = "csv"
    OCSF = "ocsf"
    CEF = "cef"


def line_in(form: Format, body: Mapping[str, Any]) -> str:
    """The entry *body* as a line of *form* (not JSONL: those lines are `export_lines`'), without its end."""
    match form:
        case Format.CSV:
            return csv_line(body)
        case Format.OCSF:
            return json.dumps(ocsf(body), ensure_ascii=False, separators=(",", ":"))
        case Format.CEF:
            return cef(body)
    raise ValueError(f"{form}: not of one entry")


def csv_head() -> str:
    """The names of the columns."""
    return row(_COLUMNS)


def csv_line(body: Mapping[str, Any]) -> str:
    """One row. A line break within a cell stays, quoted."""
    shown = {**body, "time": to_iso(Instant(body["at"])), "detail": _json(body.get("detail") or {})}
    return row(defused(shown.get(name, "")) for name in _COLUMNS)


def cef(body: Mapping[str, Any]) -> str:
    """One CEF event. IPv6 addresses stand in `c6a2`, as the dictionary has it."""
    kind, detail = str(body["action"]), body.get("detail") or {}
    header = ("CEF:0", PRODUCT, PRODUCT, "1", kind, kind.replace(":", " "), str(_SEVERITIES.get(severity(kind), 5)))
    actor, _, id = str(body.get("actor", "")).partition(":")
    fields: dict[str, object] = {
        "rt": int(body["at"]) // 1000,
        "externalId": f"{body['stream']}.{body['number']}",
        "outcome": "failure" if event_of(kind).failed else "success",
        "suid": id if actor == "user" else "",
        "suser": body.get("actor_name") or (body.get("actor") if actor != "user" else ""),
        "requestClientApplication": body.get("agent"),
        "reason": detail.get("reason"),
        "duser": detail.get("user_name"),
        **_source(str(body.get("address") or "")),
        "cs1Label": "story", "cs1": body.get("story"),
        "cs2Label": "target", "cs2": body.get("target"),
        "cs3Label": "detail", "cs3": _json(detail)[:_LONGEST],
    }  # fmt: skip
    given = [f"{name}={_value(value)}" for name, value in fields.items() if value not in (None, "")]
    return "|".join((*(_in_header(part) for part in header), " ".join(given)))


def _source(address: str) -> dict[str, object]:
    try:
        version = ip_address(address).version
    except ValueError:
        return {}
    return {"src": address} if version == 4 else {"c6a2Label": "Source IPv6 Address", "c6a2": address}


def _in_header(text: str) -> str:
    """No line break can stand in a header."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")


def _value(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\r")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
