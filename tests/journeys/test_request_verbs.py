"""
Asking and approving with the program `ostiary`, each person with their own, signed in with a browser: from eligible to
given back, denied, withdrawn, broken glass and reviewed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_terminal import terminal
from tests.journeys.browser import Desk
from tests.journeys.test_admin_verbs import ASKING, VERBS, WHY, Clerk, at_browser
from tests.journeys.test_cli import code_on, installed
from tests.server import Server

EMIL = "emil@ostiary.example"


@pytest.fixture(scope="module")
def bea(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """An administrator who approves as well."""
    return at_browser(server, chromium, "bea", tmp_path_factory.mktemp("bea"))


@pytest.fixture(scope="module")
def emil(server: Server, chromium: Desk, bea: Clerk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """An engineer, eligible for a month."""
    bea.do("group", "add-eligible", EMIL, "--for", "30d", *WHY)
    return at_browser(server, chromium, "emil", tmp_path_factory.mktemp("emil"))


def rule(bea: Clerk, folder: Path, id: str, **changes: Any) -> None:
    """Change a rule by a file."""
    file = folder / "rule.json"
    file.write_text(json.dumps(changes))
    bea.do("group", "change-rule", id, str(file), *WHY)


def test_one_command_from_asked_to_approved(bea: Clerk, emil: Clerk) -> None:
    """The terminal waits, the approver says yes for less, the terminal says who; `ensure` finds what there is."""
    ask = ("exemption", "request", "--for", "2h", "--reason", "fix INC-4412")
    with terminal(emil.program, *ask) as screen:
        screen.wait_for("Approvers decide it.")
        (waits,) = bea.rows("request", "list")
        assert (waits["principal"]["userPrincipalName"], waits["justification"]) == (EMIL, "fix INC-4412")
        shown = bea.do("request", "show", waits["id"]).stdout
        assert "requested" in shown
        bea.do("request", "approve", waits["id"], "--for", "1h", "--reason", "known incident")
        assert screen.end() == 0, screen.seen
    emil.played.add(("exemption", "request"))
    assert "Approved (approved by bea@ostiary.example): PT1H from the first sign-in" in screen.seen
    assert emil.do("exemption", "ensure", "--reason", "fix INC-4412").stderr.startswith("Approved (approved by bea")
    assert bea.do("request", "approve", waits["id"], *WHY, status=8).stderr.startswith(
        "! It was approved already by bea"
    )
    assert emil.do("request", "approve", waits["id"], *WHY, status=4)
    assert [row["ostiary"]["state"] for row in emil.rows("request", "list", "--mine")] == ["approved"]
    assert "no exemption of yours runs" in emil.do("exemption", "extend", *WHY, status=2).stderr
    emil.do("exemption", "release")
    assert (
        emil.do("exemption", "ensure", "--no-wait", "--reason", "fix INC-4412", status=6).stderr.count("Asked: ") == 1
    )
    again = emil.do("exemption", "ensure", "--timeout", "1s", "--reason", "fix INC-4412", status=6)
    assert "the request lives on" in again.stderr
    (waits,) = bea.rows("request", "list")
    with terminal(emil.program, "exemption", "ensure", "--reason", "fix INC-4412") as screen:
        screen.wait_for("Approvers decide it.")
        bea.do("request", "deny", waits["id"], "--reason", "not from there")
        assert screen.end() == 5, screen.seen
    assert "denied by bea@ostiary.example: not from there" in screen.seen


def test_what_waits_is_withdrawn_and_what_runs_is_extended(bea: Clerk, emil: Clerk, tmp_path: Path) -> None:
    """With a clock that starts at the approval there is something to extend, and then to give back."""
    made = emil.rows("exemption", "request", "--no-wait", *WHY)[0]
    emil.do("request", "withdraw", made["id"])
    emil.do("request", "withdraw", made["id"], status=8)
    rule(bea, tmp_path, "Expiration_EndUser_Assignment", ostiary={"clock": "approval"})
    made = emil.rows("exemption", "request", "--no-wait", "--sign-ins", "1", *WHY)[0]
    bea.do("request", "approve", made["id"], *WHY)
    more = emil.rows("exemption", "extend", "--for", "30m", "--no-wait", *WHY)[0]
    assert more["action"] == "selfExtend"
    before = emil.rows("request", "show", made["id"])[0]["scheduleInfo"]["expiration"]
    bea.do("request", "approve", more["id"], *WHY)
    after = emil.rows("request", "show", made["id"])[0]["scheduleInfo"]["expiration"]
    assert (before["duration"], after["duration"]) == ("PT1H", "PT1H30M")
    emil.do("exemption", "release", made["id"])
    emil.do("exemption", "release", status=8)


def test_broken_glass_is_written_about(bea: Clerk, emil: Clerk, tmp_path: Path) -> None:
    """Not without a rule; then at once, and on the list until somebody else has said what it was for."""
    glass = ("exemption", "request", "--break-glass", "--for", "30m", "--reason", "mail is down")
    emil.do(*glass, status=4)
    role = {"role": "approver"}
    person = {"userId": bea.rows("user", "show", EMIL)[0]["id"]}
    rule(bea, tmp_path, "Approval_EndUser_Assignment", ostiary={"breakGlass": {"allowed": [role, person]}})
    said = emil.do(*glass)
    assert "Open until" in said.stderr
    assert "a written review is owed" in said.stderr
    (owed,) = bea.rows("exemption", "list", "--review-owed")
    bea.do("exemption", "review", owed["id"], "--text", "restarted the mail server", status=8)
    emil.do("exemption", "release")
    assert "1 break-glass without" in bea.do("report", "exemptions").stderr
    bea.do("exemption", "review", owed["id"], "--text", "restarted the mail server")
    assert bea.rows("exemption", "list", "--review-owed") == []


def test_what_happened_is_reported(bea: Clerk, emil: Clerk, server: Server, chromium: Desk, tmp_path: Path) -> None:
    """On one page: every request of the time with its approvers and sign-ins, and nothing of another time."""
    carl = server.people["carl"]
    bea.do("exemption", "open", "--user", carl.username, "--for", "30m", *WHY)
    with (
        chromium.person(server.origin) as person,
        terminal(installed(server, tmp_path), "login", "--device-code") as screen,
    ):
        person.sign_in(carl.username, carl.password, carl.totp())
        person.enter_code(code_on(screen))
        person.approve()
        assert screen.end() == 0, screen.seen
    file = tmp_path / "report.html"
    bea.do("report", "exemptions", "--from", "1d", "--out", str(file), "--zone", "Europe/Zurich")
    page = file.read_text()
    for part in ("fix INC-4412", "known incident", "not from there", "mail is down", "restarted the mail server", EMIL):
        assert part in page, part
    assert page.count("<td>Ostiary CLI</td>") == page.count("<td>success</td>") == 1
    assert "fix INC-4412" not in bea.do("report", "exemptions", "--from", "2d", "--to", "1d").stdout
    bea.do("report", "exemptions", "--out", str(file), status=2)
    bea.do("report", "exemptions", "--hours", "25:00-3", status=2)
    bea.do("report", "exemptions", "--zone", "Nowhere/Land", status=2)
    emil.do("report", "exemptions", status=4)


def test_who_is_eligible_is_reviewed_and_ended(bea: Clerk, emil: Clerk) -> None:
    """Listed, asked about, kept or ended; nobody asks any more who is not eligible."""
    (listed,) = bea.rows("group", "eligible")
    assert listed["principal"]["userPrincipalName"] == EMIL
    assert bea.rows("group", "eligible", "--unused") == []
    assert len(bea.rows("group", "rules")) == 8
    bea.do("group", "add-eligible", EMIL, "--for", "30d", *WHY, status=8)
    bea.do("group", "add-eligible", EMIL, "--for", "30d", "--for-good", *WHY, status=2)
    made = bea.rows("review", "start", "Autumn", "--days", "7", *WHY)[0]
    assert [row["id"] for row in bea.rows("review", "list")] == [made["id"]]
    assert [row["decision"] for row in bea.rows("review", "show", made["id"])] == ["NotReviewed"]
    bea.do("review", "decide", made["id"], EMIL, "keep", "--reason", "still runs them")
    bea.do("review", "decide", made["id"], "nobody@ostiary.example", "end", *WHY, status=2)
    bea.do("review", "stop", made["id"])
    bea.do("review", "decide", made["id"], EMIL, "end", *WHY, status=8)
    bea.do("group", "remove-eligible", EMIL, "--reason", "moved on")
    assert "eligible" in emil.do("exemption", "request", *WHY, status=4).stderr
    played = bea.played | emil.played
    for noun in ("request", "review", "report"):
        assert {verb for each, verb in played if each == noun} == VERBS[noun]
    for noun, verbs in ASKING.items():
        assert verbs <= {verb for each, verb in played if each == noun}
