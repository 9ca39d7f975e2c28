"""
The pages in a real browser: with the keyboard alone, on a narrow screen, without scripts, and nothing in the console.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page

from ostiary.web.pages.console.navigation import PLACES
from ostiary.web.pages.texts import TEXTS
from tests.journeys import axe
from tests.journeys.asking import Asking
from tests.journeys.browser import APPROVE, CODE, CONTINUE, DENY, DEVICE_LOGIN, PASSWORD, SIGN_IN, TOTP, USER_NAME, Desk
from tests.server import Server
from tests.web.pages.texts import catalogue

NARROW = {"viewport": {"width": 360, "height": 640}, "device_scale_factor": 2, "has_touch": True}
NO_SCRIPT = {"java_script_enabled": False}
MOST_TABS = 25  # presses of Tab in which every control of a page must be reached


@dataclass
class Seen:
    """A page, and what the browser complained about while it was used."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@contextmanager
def window(chromium: Desk, **options: Any) -> Iterator[Seen]:
    """A fresh profile with *options* of the browser, and what it writes to its console."""
    seen = chromium.run(_open, chromium, options)
    try:
        yield seen
    finally:
        chromium.run(seen.page.context.close)


def _open(chromium: Desk, options: dict[str, Any]) -> Seen:
    seen = Seen(chromium.context(**options).new_page())
    seen.page.on("console", lambda line: seen.complaints.append(f"{line.type}: {line.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    return seen


@pytest.fixture
def asking(server: Server) -> Iterator[Asking]:
    """A machine with a code, while an exemption of Alice's is open."""
    server.open_exemption("alice")
    yield Asking(server)
    server.end_exemptions("alice")


def ready(page: Page) -> None:
    """Wait until the page has put the focus where it wants it: a key pressed before goes nowhere."""
    page.locator("[autofocus]:focus").wait_for()


def typed(page: Page, text: str) -> None:
    """Type into whatever has the focus and press Enter, as people do."""
    page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button *name* has the focus, and see that it shows that it has."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == name:
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none", f"nothing shows that {name} has the focus"
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def by_keyboard(page: Page, server: Server, code: str) -> None:
    """Sign in and come to the page that asks for the decision, without a mouse."""
    alice = server.people["alice"]
    page.goto(server.origin + DEVICE_LOGIN)
    ready(page)
    page.keyboard.type(alice.username)
    page.keyboard.press("Tab")
    for text in (alice.password, alice.totp(), code):
        typed(page, text)
        ready(page)


def by_hand(page: Page, server: Server, code: str, name: str = "alice") -> None:
    """The same with labels and buttons; nothing may stand outside the screen on the way."""
    person = server.people[name]
    page.goto(server.origin + DEVICE_LOGIN)
    _fits(page)
    if page.get_by_label("User name", exact=True).count():
        page.get_by_label("User name", exact=True).fill(person.username)
        page.get_by_label("Password", exact=True).fill(person.password)
        _press(page, SIGN_IN)
        _fits(page)
        page.get_by_label("Code from your authenticator app", exact=True).fill(person.totp())
        _press(page, CONTINUE)
        _fits(page)
    page.get_by_label("Code", exact=True).fill(code)
    _press(page, CONTINUE)
    _fits(page)


def _press(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def _fits(page: Page) -> None:
    """Nothing is wider than the window (WCAG 1.4.10)."""
    bars = page.locator("html").evaluate("root => root.scrollWidth - root.clientWidth")
    assert bars <= 0, f"{page.url} is {bars} px too wide"


def test_a_person_approves_with_the_keyboard_alone(server: Server, chromium: Desk, asking: Asking) -> None:
    """The first field has the focus, Enter goes on, *Approve* is reached with Tab and shows that it is."""

    def story(page: Page) -> str:
        by_keyboard(page, server, asking.user_code)
        tab_to(page, APPROVE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return page.inner_text("h1")

    with window(chromium) as seen:
        assert chromium.run(story, seen.page) == "Approved"
        assert seen.complaints == []
    assert asking.outcome() == "access_token"


def test_enter_on_the_decision_denies(server: Server, chromium: Desk, asking: Asking) -> None:
    """RFC 10027: whoever presses Enter without reading has let nobody in."""

    def story(page: Page) -> tuple[str, str]:
        by_keyboard(page, server, asking.user_code)
        focus = page.evaluate("document.activeElement.innerText")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return focus, page.inner_text("h1")

    with window(chromium) as seen:
        assert chromium.run(story, seen.page) == (DENY, "Denied")
        assert seen.complaints == []
    assert asking.outcome() == "access_denied"


def test_a_phone_of_360_pixels_is_wide_enough(server: Server, chromium: Desk, asking: Asking) -> None:
    """No page scrolls sideways, and both buttons of the decision are large enough for a thumb (WCAG 2.5.8)."""

    def story(page: Page) -> list[float]:
        by_hand(page, server, asking.user_code)
        boxes = [page.get_by_role("button", name=name, exact=True).bounding_box() for name in (DENY, APPROVE)]
        _press(page, APPROVE)
        _fits(page)
        return [box["height"] for box in boxes if box and box["x"] >= 0 and box["x"] + box["width"] <= 360]

    with window(chromium, **NARROW) as seen:
        heights = chromium.run(story, seen.page)
        assert len(heights) == 2
        assert min(heights) >= 24
        assert seen.complaints == []
    assert asking.outcome() == "access_token"


def test_no_script_is_needed(server: Server, chromium: Desk, asking: Asking) -> None:
    """With JavaScript switched off the whole way works, and *I did not start this* does too."""

    def story(page: Page) -> tuple[str, str]:
        by_hand(page, server, asking.user_code)
        _press(page, APPROVE)
        approved = page.inner_text("h1")
        _press(page, "I did not start this")
        return approved, page.inner_text("h1")

    with window(chromium, **NO_SCRIPT) as seen:
        assert chromium.run(story, seen.page) == ("Approved", "Reported")
        assert seen.complaints == []
    assert asking.outcome() == "access_denied"


def test_r11_a_code_changes_accounts_in_its_own_browser_only(server: Server, chromium: Desk, asking: Asking) -> None:
    """R11: Dana goes on in the browser in which Emil gave the code back; at another browser it is a wrong code."""
    for name in ("emil", "dana"):  # Alice reported this machine in another test
        server.open_exemption(name)
    other = Asking(server)

    def change(page: Page, code: str) -> None:
        by_hand(page, server, code, "emil")
        _press(page, "Use another account")

    def as_dana(page: Page, code: str) -> str:
        by_hand(page, server, code, "dana")
        return page.inner_text("main")

    with window(chromium) as one, window(chromium) as two:
        chromium.run(change, one.page, asking.user_code)
        assert "dana@" in chromium.run(as_dana, one.page, asking.user_code)
        chromium.run(_press, one.page, APPROVE)
        chromium.run(change, two.page, other.user_code)
        assert "That code is not valid" in chromium.run(as_dana, one.page, other.user_code)
    assert (asking.outcome(), other.outcome()) == ("access_token", "access_denied")
    for name in ("emil", "dana"):
        server.end_exemptions(name)


def test_r16_every_page_holds_to_the_policy(server: Server, chromium: Desk) -> None:
    """The headers of R16 are on each page, and the browser reports no violation of its Content-Security-Policy."""
    paths = ("/signin", "/password", "/setup", "/about", "/error/53003", "/nowhere")

    def story(page: Page) -> list[tuple[str, dict[str, str]]]:
        answers = [(path, page.goto(server.origin + path)) for path in paths]
        return [(path, answer.headers) for path, answer in answers if answer]

    with window(chromium) as seen:
        found = chromium.run(story, seen.page)
        assert [line for line in seen.complaints if "the server responded with a status of 40" not in line] == []
    assert [path for path, _ in found] == list(paths)
    for _path, headers in found:
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"


GERMAN = {**NARROW, "locale": "de-AT"}
_OURS = """() => {
    const all = document.body.cloneNode(true);
    for (const each of all.querySelectorAll("bdi, code, script")) each.remove();
    return all.textContent;
}"""
"""What a page says itself: without what people wrote, and names of things."""


def test_a_whole_sign_in_and_the_console_in_german(server: Server, chromium: Desk) -> None:
    """From the address to *Genehmigt*, then each place of the console: no English is left, and German fits a phone."""
    server.open_exemption("emil")  # Alice reported this machine in another test
    asking = Asking(server)
    in_german = TEXTS["de"].text
    english = re.compile(r"\b(" + "|".join(re.escape(text) for text in _only_english()) + r")(?!\w)")
    looked: list[str] = []

    def look(page: Page) -> None:
        _fits(page)
        looked.append(page.url)
        assert page.evaluate("document.documentElement.lang") == "de"
        assert english.findall(page.title() + "\n" + str(page.evaluate(_OURS))) == [], page.url
        assert axe.violations(page) == [], page.url

    def sign_in(page: Page, name: str, to: str) -> None:
        person = server.people[name]
        page.goto(server.origin + to)
        look(page)
        page.get_by_label(in_german(USER_NAME), exact=True).fill(person.username)
        page.get_by_label(in_german(PASSWORD), exact=True).fill(person.password)
        _press(page, in_german(SIGN_IN))
        look(page)
        page.get_by_label(in_german(TOTP), exact=True).fill(person.totp())
        _press(page, in_german(CONTINUE))

    def story(page: Page) -> str:
        sign_in(page, "emil", DEVICE_LOGIN)
        look(page)
        page.get_by_label(in_german(CODE), exact=True).fill(asking.user_code)
        _press(page, in_german(CONTINUE))
        look(page)
        _press(page, in_german(APPROVE))
        look(page)
        return page.inner_text("h1")

    def console(page: Page) -> None:
        sign_in(page, "bea", "/console")
        for place in PLACES:
            page.goto(server.origin + place.path)
            look(page)

    with window(chromium, **GERMAN) as seen, window(chromium, **GERMAN) as other:
        assert chromium.run(story, seen.page) == "Genehmigt"
        chromium.run(console, other.page)
        assert [line for each in (seen, other) for line in each.complaints] == []
    assert asking.outcome() == "access_token"
    server.end_exemptions("emil")
    assert len(looked) == 5 + 2 + len(PLACES)


def _only_english() -> list[str]:
    """Texts of more than one word that German says otherwise, as they would stand on a page."""
    found = [(str(each.id), str(each.string)) for each in catalogue("de") if each.id and isinstance(each.id, str)]
    return [id for id, string in found if " " in id and not re.search("[<%]", id) and id not in string]
