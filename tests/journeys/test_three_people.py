"""
Three people in three browsers and a terminal: refused, asked with the code itself, approved by two in turn, signed in;
and what the terminal says when nobody decides in time.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ostiary.core.exemptions.rule_documents import DEFAULTS
from tests.cli.test_terminal import Terminal, terminal
from tests.journeys.browser import APPROVE, ASK, CODE, CONTINUE, Desk
from tests.journeys.test_approvals import approvals_needed, go, people, phone
from tests.journeys.test_cli import Installed, code_on, installed, on_terminal
from tests.journeys.test_pages import NO_SCRIPT
from tests.journeys.walk import press, register
from tests.server import Server

__all__ = ["people"]

STAGE = DEFAULTS["Approval_EndUser_Assignment"]["setting"]["approvalStages"][0]


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Installed:
    """On a machine of its own, which may ask."""
    register(server, exemption_requests=True)
    return installed(server, tmp_path)


def asks(page: Page, server: Server, screen: Terminal) -> None:
    """Alice types the code, reads which rule blocks her, says yes and asks."""
    go(page, server, "alice", "/devicelogin")
    page.get_by_label(CODE, exact=True).fill(code_on(screen))
    press(page, CONTINUE)
    expect(page.locator("main")).to_contain_text("Block device code flow")
    press(page, ASK)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Waiting")


def says_yes(page: Page, server: Server, name: str) -> None:
    """*name* finds the request in the list and approves it."""
    go(page, server, name, "/approvals")
    page.get_by_role("link", name="Alice Engineer asks for").click()
    page.get_by_label("Why").fill("known incident")
    press(page, APPROVE)


def test_from_denied_to_signed_in_by_two_approvers(server: Server, chromium: Desk, program: Installed) -> None:
    """One code and one command after the refusal; the terminal names each approver as they decide."""
    refused = on_terminal(program, "login", "--device-code")
    assert refused.status == 4, refused
    approvals_needed(server, {**STAGE, "ostiary": {"approvalsNeeded": 2}})
    with terminal(program, "login", "--device-code", "--reason", "fix INC-4412") as screen:

        def story() -> None:
            with phone(chromium, **NO_SCRIPT) as alice, phone(chromium) as bea, phone(chromium, **NO_SCRIPT) as carl:
                asks(alice, server, screen)
                screen.wait_for("Waiting for approval (")
                says_yes(bea, server, "bea")
                screen.wait_for("Approved by bea@ostiary.example so far; others have to.")
                says_yes(carl, server, "carl")

        chromium.run(story)
        assert screen.end() == 0, screen.seen
    assert "Approved by bea@ostiary.example, carl@ostiary.example (" in screen.seen
    assert "Signed in as alice@ostiary.example." in screen.seen
    approvals_needed(server, STAGE)
    server.end_exemptions("alice")


def test_what_nobody_decides_in_time_ends_in_the_terminal(server: Server, chromium: Desk, program: Installed) -> None:
    """The request lapses while the terminal waits: it says so and ends, and the page of the sign-in does."""
    with terminal(program, "login", "--device-code", "--reason", "fix INC-4412") as screen:

        def story() -> None:
            with phone(chromium, **NO_SCRIPT) as alice:
                asks(alice, server, screen)
                screen.wait_for("Waiting for approval (")
                server.pass_time(9 * 3600)
                assert screen.end() == 6, screen.seen

        chromium.run(story)
