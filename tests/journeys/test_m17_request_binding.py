"""What a request is bound to, from the terminal to the browser (RFC 10027 M17): our program, a server, Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_terminal import terminal
from tests.journeys.browser import Desk
from tests.journeys.test_cli import Installed, code_on, installed
from tests.journeys.walk import fill, press, register
from tests.server import Server


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Iterator[Installed]:
    """The program, while its registration requires the reference and Dana may sign in."""
    server.open_exemption("dana")
    register(server, reference_binding="required")
    yield installed(server, tmp_path)
    register(server, reference_binding="optional")
    server.end_exemptions("dana")


def test_m17_the_person_types_the_reference_that_they_gave(server: Server, program: Installed, chromium: Desk) -> None:
    """The terminal says what the page will ask for; Enter on that page denies nothing by accident, and it is typed."""
    refused = program.run("login", "--device-code")
    assert refused.returncode == 4, refused.stderr
    assert "--reference" in refused.stderr
    human = server.people["dana"]
    with (
        terminal(program, "login", "--device-code", "--reference", "INC-4412") as screen,
        chromium.person(server.origin) as dana,
    ):
        dana.sign_in(human.username, human.password, human.totp())
        dana.enter_code(code_on(screen))
        assert "The page will ask for the reference that you gave here:  INC-4412" in screen.seen
        assert "4412" not in dana.says()
        assert dana.look(lambda page: page.get_by_role("button", name="Approve", exact=True).count()) == 0
        dana.look(lambda page: fill(page, reference="inc 4412"))
        dana.look(lambda page: press(page, "Check"))
        assert "“INC-4412” you typed it" in dana.says()
        dana.approve()
        assert screen.end() == 0, screen.seen
    assert program.run("token").returncode == 0
