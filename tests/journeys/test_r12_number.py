"""The number of a consent, from the browser to the terminal (R12): our own program, a real server, a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_terminal import Terminal, terminal
from tests.journeys.browser import Desk, Person
from tests.journeys.test_cli import Installed, code_on, installed
from tests.journeys.walk import register
from tests.server import Server


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Iterator[Installed]:
    """The program, while its registration requires the number and Dana may sign in."""
    server.open_exemption("dana")
    register(server, number_confirmation="required")
    yield installed(server, tmp_path)
    register(server, number_confirmation="optional")
    server.end_exemptions("dana")


@pytest.fixture(scope="module")
def dana(server: Server, chromium: Desk) -> Iterator[Person]:
    """Dana, signed in on the device page."""
    human = server.people["dana"]
    with chromium.person(server.origin) as person:
        person.sign_in(human.username, human.password, human.totp())
        yield person


def shown(dana: Person, screen: Terminal) -> str:
    """Dana approves what the terminal asks for; the number on the page."""
    dana.enter_code(code_on(screen))
    dana.approve()
    found = re.search(r"^\s*(\d\d)\s*$", dana.says(), re.MULTILINE)
    assert found, dana.says()
    screen.wait_for("Type the number that the page shows")
    return found[1]


def test_r12_the_person_types_the_number_on_the_terminal(program: Installed, dana: Person) -> None:
    """A slip that is no number is asked again; the right one signs in."""
    with terminal(program, "login", "--device-code", "--reason", "a nightly build") as screen:
        right = shown(dana, screen)
        screen.type("nine\n")
        screen.wait_for("Two digits")
        screen.type(f"{right}\n")
        assert screen.end() == 0, screen.seen
    assert program.run("token").returncode == 0


def test_r12_a_wrong_number_ends_it(program: Installed, dana: Person) -> None:
    """Exit 5, and nothing is kept."""
    with terminal(program, "login", "--device-code") as screen:
        right = shown(dana, screen)
        screen.type(f"{(int(right) + 1) % 100:02}\n")
        assert screen.end() == 5, screen.seen
    assert program.run("token").returncode == 3


def test_r12_where_nobody_can_type_there_is_no_code(program: Installed) -> None:
    """Without a terminal our program does not claim that it can: refused before a code exists, with the way out."""
    done = program.run("login", "--device-code")
    assert done.returncode == 4, done.stderr
    assert "and type" not in done.stderr
    assert "types on the machine" in done.stderr
