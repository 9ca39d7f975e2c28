"""
Our own program, as it is installed, on a terminal, against a running server, with a person in a real browser.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.cli.test_terminal import Terminal, terminal
from tests.journeys.browser import Desk, Person
from tests.server import Server

CODE_LIFE = 5 * 60  # seconds that a code lives unless its application says otherwise
SHOWN_CODE = re.compile(r"and type +([A-Z]{4}-[A-Z]{4,5})\b")
ACCESS_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


class Installed(Program):
    """The command that the package installs, not a stand-in for it."""

    def command(self, *arguments: str) -> list[str]:
        """What is run for *arguments*."""
        return [str(Path(sys.executable).with_name("ostiary")), *arguments]


@dataclass(frozen=True)
class Run:
    """How one call on a terminal ended, and what it showed."""

    status: int
    shown: str


@dataclass(frozen=True)
class Story:
    """What one person saw, from the first refusal to the end of the exemption."""

    refused: Run
    opened: "subprocess.CompletedProcess[str]"
    signed_in: Run
    status: Run
    token: "subprocess.CompletedProcess[str]"
    run: "subprocess.CompletedProcess[str]"
    after: Run


def installed(server: Server, home: Path) -> Installed:
    """The program with folders of its own under *home*, trusting the server as its start told people to."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OSTIARY_CONFIG_DIR": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "OSTIARY_SERVER": server.origin,
        "OSTIARY_DATA": str(server.data),
        "SSL_CERT_FILE": str(server.ca_file),
        "TERM": "xterm",
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
    }
    return Installed(environ)


def on_terminal(program: Installed, *arguments: str) -> Run:
    """Call the program and let it end by itself."""
    with terminal(program, *arguments) as screen:
        return Run(screen.end(), screen.seen)


def code_on(screen: Terminal) -> str:
    """The code that is shown, once it is."""
    screen.wait_for("The code is good for")
    found = SHOWN_CODE.search(screen.seen)
    assert found, screen.seen
    return found[1]


@pytest.fixture(scope="module")
def story(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Play the story once."""
    alice, program = server.people["alice"], installed(server, tmp_path_factory.mktemp("alice"))
    refused = on_terminal(program, "login", "--device-code")
    opened = program.run(
        "--local", "exemption", "open", "--user", alice.username, "--for", "2h", "--reason", "install the build tool"
    )
    with chromium.person(server.origin) as person, terminal(program, "login", "--device-code") as screen:
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code_on(screen))
        person.approve()
        signed_in = Run(screen.end(), screen.seen)
    status, token = on_terminal(program, "status"), program.run("token")
    run = program.run("run", "--", "env")
    server.end_exemptions("alice")
    return Story(refused, opened, signed_in, status, token, run, on_terminal(program, "status"))


def test_a_refused_person_reads_the_rule_the_reference_and_the_next_command(story: Story, server: Server) -> None:
    """Closed by default: exit 4 before a code exists, and what to do is said."""
    assert story.refused.status == 4, story.refused.shown
    assert "and type" not in story.refused.shown
    assert "Block device code flow" in story.refused.shown
    reference = re.search(r"reference: +([0-9a-f-]{36})", story.refused.shown)
    explained = re.search(rf"{server.origin}/error/53003\?ref=([0-9a-f-]{{36}})", story.refused.shown)
    assert reference
    assert explained
    assert "next:         ostiary --local exemption open --user NAME --for 2h --reason" in story.refused.shown


def test_the_next_command_opens_the_door(story: Story) -> None:
    """What the refusal proposes works on the server's own machine, through the socket in its data folder (R2)."""
    assert story.opened.returncode == 0, story.opened.stderr
    assert "Open for alice@" in story.opened.stderr


def test_the_code_is_shown_approved_and_becomes_a_sign_in(story: Story, server: Server) -> None:
    """The same command as before, after the exemption; it ends by itself once the person has approved."""
    assert story.signed_in.status == 0, story.signed_in.shown
    assert f"{server.origin}/devicelogin" in story.signed_in.shown
    assert f"Signed in as {server.people['alice'].username}." in story.signed_in.shown
    assert story.status.status == 0, story.status.shown
    assert server.people["alice"].username in story.status.shown


def test_the_token_is_on_stdout_and_nowhere_else(story: Story) -> None:
    """For `$(ostiary token)`: one line; and no other verb shows one."""
    assert story.token.returncode == 0, story.token.stderr
    assert ACCESS_TOKEN.fullmatch(story.token.stdout.strip()), story.token.stdout
    for shown in (story.signed_in.shown, story.status.shown, story.refused.shown):
        assert not re.search(r"eyJ[\w-]{20,}", shown)


def test_a_command_finds_a_token_in_its_environment(story: Story) -> None:
    """P16: an installer needs nothing but `ostiary run --`."""
    assert story.run.returncode == 0, story.run.stderr
    found = re.search(r"^OSTIARY_TOKEN=(.+)$", story.run.stdout, re.M)
    assert found
    assert ACCESS_TOKEN.fullmatch(found[1])


def test_when_the_exemption_ends_the_sign_in_is_over(story: Story) -> None:
    """P14: nobody waits for a token to run out; the next use is refused (3 or 4)."""
    assert story.after.status in (3, 4), story.after.shown


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Iterator[Installed]:
    """The program with nothing remembered, while an exemption of Dana's is open."""
    server.open_exemption("dana")
    yield installed(server, tmp_path)
    server.end_exemptions("dana")


@pytest.fixture(scope="module")
def dana(server: Server, chromium: Desk) -> Iterator[Person]:
    """Dana, signed in on the device page."""
    human = server.people["dana"]
    with chromium.person(server.origin) as person:
        person.sign_in(human.username, human.password, human.totp())
        yield person


@pytest.mark.parametrize("press", [Person.deny, Person.report], ids=["denied", "reported"])
def test_a_person_says_no(program: Installed, dana: Person, press: Callable[[Person], None]) -> None:
    """Exit 5, and nothing is kept."""
    with terminal(program, "login", "--device-code") as screen:
        dana.enter_code(code_on(screen))
        press(dana)
        assert screen.end() == 5, screen.seen
    assert program.run("token").returncode == 3


def test_nobody_comes(program: Installed, server: Server) -> None:
    """Exit 6 once the code has expired, when nothing may be asked."""
    with terminal(program, "login", "--device-code", "--no-input") as screen:
        code_on(screen)
        server.pass_time(CODE_LIFE + 1)
        assert screen.end() == 6, screen.seen


def test_ctrl_c_gives_the_code_back(program: Installed, dana: Person) -> None:
    """Exit 130 without a traceback, and the code that was shown is nobody's any more."""
    with terminal(program, "login", "--device-code") as screen:
        code = code_on(screen)
        screen.wait_for("left")
        screen.type("\x03")
        assert screen.end() == 130
        assert "Traceback" not in screen.seen
    dana.enter_code(code)
    assert "That code is not valid" in dana.says()


def test_a_refusal_is_an_event_too(program: Installed, server: Server) -> None:
    """`--json`, for programs around ours: the rule, the number and the exit status on stdout."""
    server.end_exemptions("dana")
    done = program.run("login", "--device-code", "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["exit"]) == (4, 4)
    assert (last["rule"], last["error_codes"]) == ("Block device code flow", [53003])
