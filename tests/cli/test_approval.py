"""
`login` while somebody has to approve an exemption: what it tells, what it keeps, how it ends and goes on.
"""

import json
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.client.wire import Wire

REASON = ("--reason", "fix INC-4412")


def awaiting(*by: str, state: str = "awaiting_exemption", left: int = 1800) -> tuple[int, dict[str, Any]]:
    """A poll of a sign-in that waits."""
    told = {"ostiary_state": state, "ostiary_request": "r-1", "ostiary_expires_in": left}
    page = {"ostiary_page": "https://id.example.com/devicelogin/request/s-1"}
    return 400, {"error": "authorization_pending", **told, **page, "ostiary_approved_by": list(by)}


def ended(state: str, error: str = "access_denied", **more: Any) -> tuple[int, dict[str, Any]]:
    """A poll of one that is over."""
    told = {"ostiary_state": state, "ostiary_request": "r-1"}
    return 400, {"error": error, "error_codes": [53003], **told, **more}


def test_what_changes_is_told_once_and_who_approved_at_the_end(wire: Wire, program: Program) -> None:
    """Events: the code, the wait, one approval of two, too late, signed in; the device code is in none of them."""
    again = awaiting("Bea", "Carl", state="consent_again")
    given = (200, {**wire.tokens(), "ostiary_approved_by": ["Bea", "Carl"]})
    wire.state.polls.extend([awaiting(), awaiting(left=1799), awaiting("Bea"), again, given])
    done = program.run("login", *REASON, "--for", "90m", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = ["code", "approval_awaited", "approval_awaited", "approval_awaited", "approved", "signed_in"]
    assert [event["event"] for event in events] == names
    assert [event["approved_by"] for event in events[1:5]] == [[], ["Bea"], ["Bea", "Carl"], ["Bea", "Carl"]]
    assert events[3]["consent_again"] == "https://id.example.com/devicelogin/request/s-1"
    assert "device-secret-1" not in done.stdout + done.stderr
    (asked,) = wire.state.calls("/devicecode")
    assert (asked.form["ostiary_request"], asked.form["ostiary_duration"]) == ("fix INC-4412", "PT1H30M")
    assert not (program.state / "default.waiting").exists()


ENDINGS = [
    (ended("exemption_denied", ostiary_denied_by="Bea", ostiary_reason="not from there"), 5, "denied by Bea: not from"),
    (ended("exemption_withdrawn"), 5, "withdrawn"),
    (ended("exemption_lapsed"), 6, "nobody decided in time"),
    (ended("exemption_killed"), 4, "killed"),
    (ended("exemption_denied"), 5, "denied by an approver"),
]


@pytest.mark.parametrize(("answer", "status", "said"), ENDINGS)
def test_each_end_of_a_request_has_its_exit_status(
    wire: Wire, program: Program, answer: tuple[int, dict[str, Any]], status: int, said: str
) -> None:
    """By a person 5, by a rule 4, by the clock 6; nothing is kept of it."""
    wire.state.polls.extend([awaiting(), answer])
    done = program.run("login", *REASON)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert not (program.state / "default.waiting").exists()
    assert wire.state.revoked == []


def test_who_stops_waiting_gives_nothing_back_and_resumes(wire: Wire, program: Program) -> None:
    """`--no-wait`, a timeout: exit 6, the file is 0600, and `--resume` polls with the same device code."""
    wire.state.polls.append(awaiting())
    done = program.run("login", *REASON, "--no-wait")
    assert done.returncode == 6
    assert "ostiary login --resume" in done.stderr
    file = program.state / "default.waiting"
    assert file.stat().st_mode & 0o777 == 0o600
    wire.state.polls.extend([awaiting(), awaiting(), awaiting(), awaiting(), awaiting()])
    assert program.run("login", "--resume", "--timeout", "2s").returncode == 6
    assert file.exists()
    assert wire.state.revoked == []
    wire.state.polls.clear()
    wire.state.approved = True
    assert program.run("login", "--resume").returncode == 0
    assert len(wire.state.calls("/devicecode")) == 1
    assert {call.form["device_code"] for call in wire.state.calls("/token")} == {"device-secret-1"}
    assert not file.exists()


def test_where_its_time_is_over_a_new_sign_in_begins(wire: Wire, program: Program) -> None:
    """The code ran out while the request lives on: `--resume` asks for another code, with the same reason."""
    wire.state.polls.extend([awaiting(), ended("exemption_requested", "expired_token")])
    done = program.run("login", *REASON)
    assert done.returncode == 6
    assert "the request lives on" in done.stderr
    wire.state.polls.append(ended("approved", "expired_token"))
    wire.state.approved = True
    done = program.run("login", "--resume")
    assert done.returncode == 0, done.stderr
    assert "a new one begins" in done.stderr
    assert not (program.state / "default.waiting").exists()
    assert [call.form["ostiary_request"] for call in wire.state.calls("/devicecode")] == ["fix INC-4412"] * 2


def test_what_cannot_be_resumed_is_said(wire: Wire, program: Program) -> None:
    """Nothing waits: 2. A damaged file: 9. Another server's: 2, and nothing is sent to it."""
    assert program.run("login", "--resume").returncode == 2
    wire.state.polls.append(awaiting())
    program.run("login", *REASON, "--no-wait")
    file = program.state / "default.waiting"
    held = json.loads(file.read_text())
    file.write_text(json.dumps({**held, "issuer": "https://elsewhere.example"}))
    polls = len(wire.state.calls("/token"))
    assert program.run("login", "--resume").returncode == 2
    assert len(wire.state.calls("/token")) == polls
    file.write_text("{")
    assert program.run("login", "--resume").returncode == 9


@pytest.mark.parametrize(
    "flags",
    [
        ("--browser", "--reason", "why", "--for", "2h"), ("--browser", "--reason", "why", "--no-wait"), ("--for", "2h"),
        ("--no-wait",), ("--resume", "--reason", "why"), ("--resume", "--scope", "x"), ("--resume", "--browser"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_flags_that_would_be_passed_over_are_refused(wire: Wire, program: Program, flags: tuple[str, ...]) -> None:
    """Exit 2, and nothing was asked of the server: a safer way that was chosen is never changed silently."""
    assert program.run("login", *flags).returncode == 2
    assert wire.state.calls("/devicecode") == []
