"""
One command, one code (issue of the same name; R5): `ostiary login --reason` on a terminal, its person in Chromium, an
approver with the program; denied, late, interrupted, left and resumed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.cli.test_terminal import Terminal, terminal
from tests.journeys.browser import ASK, DENY, Desk, Person
from tests.journeys.test_admin_verbs import WHY, Clerk, at_browser
from tests.journeys.test_cli import Installed, code_on, installed
from tests.server import CLIENTS, Server

EMIL = "emil@ostiary.example"
REASON = "fix INC-4412"
LOGIN = ("login", "--device-code", "--reason", REASON)


@pytest.fixture(scope="module")
def bea(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """An administrator who approves; she lets the program ask, and Emil be asked for."""
    clerk = at_browser(server, chromium, "bea", tmp_path_factory.mktemp("bea"))
    clerk.do("app", "change", CLIENTS["ostiary-cli"], "--asks", *WHY)
    clerk.do("group", "add-eligible", EMIL, "--for", "30d", *WHY)
    return clerk


@pytest.fixture(scope="module")
def emil(server: Server, chromium: Desk, bea: Clerk) -> Iterator[Person]:
    """Emil in his browser."""
    human = server.people["emil"]
    with chromium.person(server.origin) as person:
        person.sign_in(human.username, human.password, human.totp())
        yield person


@pytest.fixture
def program(server: Server, emil: Person, tmp_path: Path) -> Iterator[Installed]:
    """The program on a machine of its own."""
    yield installed(server, tmp_path)
    server.end_exemptions("emil")


def asks(emil: Person, screen: Terminal, *, length: str = "") -> str:
    """Emil types the code and asks; what the page shows before and after."""
    emil.enter_code(code_on(screen))

    def fill(page: Page) -> str:
        before = page.inner_text("main")
        if length:
            page.get_by_label("How long", exact=True).select_option(length)
        with page.expect_navigation():
            page.get_by_role("button", name=ASK, exact=True).click()
        return before

    before = emil.look(fill)
    screen.wait_for("Waiting for approval (")
    return before


def waiting(bea: Clerk) -> str:
    """The request that waits."""
    (row,) = bea.rows("request", "list")
    assert (row["principal"]["userPrincipalName"], row["justification"]) == (EMIL, REASON)
    return str(row["id"])


def fresh(server: Server, emil: Person) -> None:
    """Emil proves himself again: the clock was moved."""
    human = server.people["emil"]
    emil.look(lambda page: page.goto(f"{server.origin}/signin/again?return=/devicelogin"))
    emil.look(lambda page: page.get_by_label("Code from your authenticator app", exact=True).fill(human.totp()))
    emil.look(lambda page: page.get_by_role("button", name="Continue", exact=True).click())
    emil.look(lambda page: page.wait_for_url("**/devicelogin"))


def test_one_command_one_code_from_blocked_to_signed_in(bea: Clerk, emil: Person, program: Installed) -> None:
    """The page names the rule; the approver says yes for less; the same terminal says who, and is signed in."""
    with terminal(program, *LOGIN, "--for", "2h") as screen:
        page = asks(emil, screen)
        assert "Block device code flow" in page
        assert f"“{REASON}”" in page
        assert "Waiting for an approval" in emil.says()
        kept = Path(program.environ["XDG_STATE_HOME"]) / "ostiary" / "default.waiting"
        assert kept.stat().st_mode & 0o777 == 0o600
        request = waiting(bea)
        shown = bea.rows("request", "show", request)[0]
        assert shown["scheduleInfo"]["expiration"]["duration"] == "PT2H"
        assert shown["ostiary"]["applicationId"] == CLIENTS["ostiary-cli"]
        bea.do("request", "approve", request, "--for", "45m", "--reason", "known incident")
        assert screen.end() == 0, screen.seen
    assert "Approved by bea@ostiary.example (4" in screen.seen
    assert "Signed in as emil@ostiary.example." in screen.seen
    assert not kept.exists()
    assert program.run("token").returncode == 0
    again = program.run("login", "--resume")
    assert again.returncode == 2
    assert "no sign-in waits" in again.stderr


def test_who_has_an_exemption_already_just_signs_in(server: Server, emil: Person, program: Installed) -> None:
    """`--reason` asks for nothing that is there."""
    server.open_exemption("emil")
    with terminal(program, *LOGIN) as screen:
        emil.enter_code(code_on(screen))
        emil.approve()
        assert screen.end() == 0, screen.seen
    assert "Waiting for approval" not in screen.seen


def test_a_denied_request_ends_it_with_who_and_why(bea: Clerk, emil: Person, program: Installed) -> None:
    """Exit 5; the page tells the same."""
    with terminal(program, *LOGIN) as screen:
        asks(emil, screen)
        bea.do("request", "deny", waiting(bea), "--reason", "not from there")
        assert screen.end() == 5, screen.seen
    assert "not from there" in screen.seen
    assert "denied by" in screen.seen
    emil.look(lambda page: page.reload())
    assert "not from there" in emil.says()


def test_denying_at_the_page_needs_no_typing(emil: Person, program: Installed) -> None:
    """Deny stands first, has the focus, and ends it."""
    with terminal(program, *LOGIN) as screen:
        emil.enter_code(code_on(screen))
        assert emil.look(lambda page: page.evaluate("document.activeElement.textContent")) == DENY
        emil.deny()
        assert screen.end() == 5, screen.seen


def test_ctrl_c_loses_nothing_and_resume_goes_on(bea: Clerk, emil: Person, program: Installed) -> None:
    """130 with the command; the same sign-in goes on in another process."""
    with terminal(program, *LOGIN) as screen:
        asks(emil, screen)
        screen.type("\x03")
        assert screen.end() == 130, screen.seen
    assert "Resume with: ostiary login --resume" in screen.seen
    with terminal(program, "login", "--resume") as screen:
        screen.wait_for("Waiting for approval (")
        bea.do("request", "approve", waiting(bea), *WHY)
        assert screen.end() == 0, screen.seen
    assert "and type" not in screen.seen
    assert "Signed in as emil@ostiary.example." in screen.seen


def test_no_wait_leaves_and_a_sign_in_that_is_over_begins_anew(
    server: Server, bea: Clerk, emil: Person, program: Installed
) -> None:
    """Exit 6 with the command; hours later the request was approved: `--resume` shows a new code, which passes."""
    with terminal(program, *LOGIN, "--no-wait") as screen:
        asks(emil, screen)
        assert screen.end() == 6, screen.seen
    assert "ostiary login --resume" in screen.seen
    bea.do("request", "approve", waiting(bea), *WHY)
    server.pass_time(6 * 60)  # ready, and nobody came: over
    fresh(server, emil)
    with terminal(program, "login", "--resume") as screen:
        screen.wait_for("a new one begins")
        emil.enter_code(code_on(screen))
        emil.approve()
        assert screen.end() == 0, screen.seen


def test_an_approval_that_comes_late_is_confirmed_once_more(
    server: Server, bea: Clerk, chromium: Desk, emil: Person, program: Installed, tmp_path: Path
) -> None:
    """The terminal says where; the page asks again; then the same sign-in ends signed in."""
    with terminal(program, *LOGIN) as screen:
        asks(emil, screen)
        request = waiting(bea)
        server.pass_time(31 * 60)
        other = at_browser(server, chromium, "bea", tmp_path / "bea")
        other.do("request", "approve", request, *WHY)
        screen.wait_for("too late for your first yes")
        screen.wait_for_match(r"/devicelogin/request/[0-9a-f-]{36}\s")
        human = server.people["emil"]  # his session is over by now as well
        emil.sign_in(human.username, human.password, human.totp())
        address = next(word for word in screen.seen.split() if "/devicelogin/request/" in word)
        emil.look(lambda page: page.goto(address))
        emil.approve()
        assert screen.end() == 0, screen.seen
