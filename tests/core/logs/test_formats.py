"""The journal in other tools' formats: every kind has its place, and no text gets out of its cell or field."""

import csv
import io
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.formats import Format, cef, csv_head, csv_line, line_in
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.ocsf import _LIST, EVENTS, Class, ocsf

TEXTS = st.text(max_size=60)
ESCAPES = {"n": "\n", "r": "\r"}
NASTY = st.one_of(
    TEXTS, st.sampled_from(["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2", "\t=1", " =1", "a|b=c\\\r\nx"])
)


def body(kind: str = Kind.USER_CREATED, **more: Any) -> dict[str, Any]:
    """An entry as the journal has it."""
    return {
        "action": kind, "actor": "user:u1", "actor_name": "alice@example.com", "address": "203.0.113.9",
        "agent": "x/1", "at": 1_700_000_000_123_456, "detail": {"user_name": "bob@example.com"}, "number": 7,
        "origin": "browser", "salt": "00", "story": "s1", "stream": "main", "target": "user:u2", "visit": "v1", **more,
    }  # fmt: skip


BODIES = st.builds(
    lambda kind, name, agent, target, reason, address: body(
        kind, actor_name=name, agent=agent, target=target, address=address,
        detail={"reason": reason, "user_name": name, "list": [reason]},
    ),
    st.sampled_from(list(Kind)), NASTY, NASTY, NASTY, NASTY, st.sampled_from(["", "2001:db8::1", "203.0.113.9", "x"]),
)  # fmt: skip


def test_every_kind_is_an_ocsf_event_once() -> None:
    """A new kind fails here until somebody says what it is."""
    assert set(EVENTS) == set(Kind)
    assert sum(len(kinds) for _, kinds in _LIST) == len(EVENTS)


REQUIRED = {
    Class.ACCOUNT_CHANGE: {"user"}, Class.AUTHENTICATION: {"user"}, Class.AUTHORIZE_SESSION: {"user"},
    Class.ENTITY_MANAGEMENT: {"entity"}, Class.USER_ACCESS: {"user", "privileges"}, Class.GROUP_MANAGEMENT: {"group"},
    Class.API_ACTIVITY: {"actor", "api", "src_endpoint"}, Class.DETECTION_FINDING: {"finding_info"},
}  # fmt: skip
ACTIVITIES = {
    Class.ACCOUNT_CHANGE: range(1, 12), Class.AUTHENTICATION: range(1, 7), Class.AUTHORIZE_SESSION: range(1, 3),
    Class.ENTITY_MANAGEMENT: range(1, 5), Class.USER_ACCESS: range(1, 3), Class.GROUP_MANAGEMENT: range(1, 7),
    Class.API_ACTIVITY: range(1, 5), Class.DETECTION_FINDING: range(1, 4),
}  # fmt: skip


@given(BODIES)
def test_an_ocsf_event_has_what_its_class_requires(entry: dict[str, Any]) -> None:
    """The base attributes and the class's own; type_uid is made of class and activity; one line of JSON."""
    line = line_in(Format.OCSF, entry)
    event = json.loads(line)
    of = Class(event["class_uid"])
    base = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
    assert base | REQUIRED[of] <= set(event)
    assert event["type_uid"] == of * 100 + event["activity_id"]
    assert event["activity_id"] in (*ACTIVITIES[of], 99)
    assert event["category_uid"] == of // 1000
    assert {"version", "product"} <= set(event["metadata"])
    assert all(event.get("user", {"x": "y"}).values() or [0])
    assert event["unmapped"]["detail"] == entry["detail"]
    assert "\n" not in line
    assert "\r" not in line


def test_an_ocsf_event_says_who_did_what_to_whom() -> None:
    """Time in milliseconds, the entry's place as its uid."""
    event = ocsf(body())
    assert (event["class_uid"], event["activity_id"], event["status_id"]) == (3001, 1, 1)
    assert (event["time"], event["metadata"]["uid"]) == (1_700_000_000_123, "main.7")
    assert event["actor"] == {"user": {"uid": "u1", "name": "alice@example.com"}}
    assert event["user"] == {"uid": "u2", "name": "bob@example.com"}
    assert ocsf(body("later:kind:known"))["class_uid"] == 6003


@given(BODIES)
def test_a_csv_row_reads_back_and_no_cell_is_a_formula(entry: dict[str, Any]) -> None:
    """Whatever texts came from outside: the same number of cells, and none that a spreadsheet runs."""
    rows = list(csv.reader(io.StringIO(f"{csv_head()}\r\n{csv_line(entry)}\r\n", newline="")))
    head, row = rows
    assert len(head) == len(row)
    for name, cell in zip(head, row, strict=True):
        assert cell.lstrip(" \u00a0")[:1] not in tuple("=+-@\t\r\n|%"), (name, cell)
        said = entry.get(name, cell)
        assert cell.replace("'", "") == str(said).replace("'", "") or name == "detail"
    assert json.loads(row[-1].replace("'", "")) == json.loads(json.dumps(entry["detail"]).replace("'", ""))


def _cef_parts(line: str) -> tuple[list[str], dict[str, str]]:
    """A reader of CEF that knows nothing of ours."""
    header = re.match(r"((?:[^|\\]|\\[|\\])*\|){7}", line)
    assert header is not None
    parts = [re.sub(r"\\([|\\])", r"\1", part) for part in re.findall(r"((?:[^|\\]|\\.)*)\|", header[0])]
    rest = line[header.end() :]
    marks = [m for m in re.finditer(r"(?:^| )(\w+)=", rest) if not rest[: m.end() - 1].endswith("\\")]
    found = {}
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        raw = rest[mark.end() : after.start() if after else len(rest)]
        found[mark[1]] = re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), raw)
    return parts, found


@given(BODIES)
def test_a_cef_event_reads_back_whatever_it_holds(entry: dict[str, Any]) -> None:
    """No text ends its field, opens another, or breaks the line."""
    line = cef(entry)
    assert "\n" not in line
    assert "\r" not in line
    header, fields = _cef_parts(line)
    assert header[:5] == ["CEF:0", "Ostiary", "Ostiary", "1", entry["action"]]
    assert set(fields) <= {
        "rt", "externalId", "outcome", "suid", "suser", "requestClientApplication", "reason", "duser", "src",
        "c6a2Label", "c6a2", "cs1Label", "cs1", "cs2Label", "cs2", "cs3Label", "cs3",
    }  # fmt: skip
    assert fields.get("reason", "") == entry["detail"]["reason"].replace("\r\n", "\n")
    assert fields.get("requestClientApplication", "") == entry["agent"].replace("\r\n", "\n")
    assert int(header[6]) in range(11)
