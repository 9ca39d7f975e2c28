"""
`ostiary login --browser` with a real browser, and the page that asks whether to go on: by keyboard, narrow, no script.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.cli.test_terminal import terminal
from tests.journeys.browser import CONTINUE, DEVICE_LOGIN, SIGN_IN, Desk
from tests.journeys.test_cli import Installed, installed
from tests.journeys.test_pages import NARROW, NO_SCRIPT, Seen, _fits, _press, tab_to, window
from tests.server import Server

KEEPER = """#!/bin/sh
printf %s "$1" > "{file}.part" && mv "{file}.part" "{file}"
"""


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Installed:
    """The program, with a browser that only remembers the address."""
    made = installed(server, tmp_path)
    keeper = tmp_path / "keeper"
    keeper.write_text(KEEPER.format(file=tmp_path / "address"))
    keeper.chmod(0o700)
    made.environ["OSTIARY_BROWSER"] = str(keeper)
    return made


def address(folder: Path, page: Page) -> str:
    """What the program asked its browser to open."""
    for _ in range(600):
        if (folder / "address").exists():
            break
        page.wait_for_timeout(50)
    return (folder / "address").read_text()


def sign_in(page: Page, server: Server) -> None:
    """Alice at the device page."""
    alice = server.people["alice"]
    page.goto(server.origin + DEVICE_LOGIN)
    page.get_by_label("User name", exact=True).fill(alice.username)
    page.get_by_label("Password", exact=True).fill(alice.password)
    _press(page, SIGN_IN)
    page.get_by_label("Code from your authenticator app", exact=True).fill(alice.totp())
    _press(page, CONTINUE)


@pytest.fixture(scope="module")
def alice(server: Server, chromium: Desk) -> Iterator[Seen]:
    """Alice, signed in, on a narrow screen and without scripts."""
    with window(chromium, **NARROW, **NO_SCRIPT) as seen:
        chromium.run(sign_in, seen.page, server)
        yield seen


def test_a_person_goes_on_with_the_keyboard_alone(
    server: Server, chromium: Desk, alice: Seen, program: Installed, tmp_path: Path
) -> None:
    """The page names the application and the person, fits 360 px, and its form reaches the program on loopback."""
    who = server.people["alice"].username

    def story(page: Page) -> str:
        page.goto(address(tmp_path, page))
        _fits(page)
        shown = page.inner_text("main")
        tab_to(page, f"Continue as {who}")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return shown

    with terminal(program, "login", "--browser") as screen:
        shown = chromium.run(story, alice.page)
        assert screen.end() == 0, screen.seen
    assert "Ostiary CLI" in shown
    assert who in shown
    assert "http://127.0.0.1:" in shown
    assert f"Signed in as {who}." in screen.seen
    assert alice.complaints == []


def test_a_person_cancels(chromium: Desk, alice: Seen, program: Installed, tmp_path: Path) -> None:
    """The program hears it and ends; nothing is kept."""

    def story(page: Page) -> None:
        page.goto(address(tmp_path, page))
        _press(page, "Cancel")

    with terminal(program, "login", "--browser") as screen:
        chromium.run(story, alice.page)
        assert screen.end() == 5, screen.seen
    assert program.run("token").returncode == 3
    assert alice.complaints == []
