"""
A real Chromium, and the people who sit before it.

Owns how the browser is started (Debian's Chromium, the test CA in an NSS
database of a home of its own, so that no certificate error is ever ignored)
and every word on our pages that a test presses or fills in: when a page is
worded anew, this file changes and no test does. Knows no server: callers
bring the origin. Tests come in through `Desk.person` and the verbs of `Person`.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 120_000  # ms that one step on a page may take before the test fails

# What our pages call things. One place (see the sign above).
DEVICE_LOGIN: Final = "/devicelogin"
USER_NAME: Final = "User name"
PASSWORD: Final = "Password"
TOTP: Final = "Code from your authenticator app"
CODE: Final = "Code"
SIGN_IN: Final = "Sign in"
SIGN_OUT: Final = "Sign out"
PASSKEY: Final = "Sign in with a passkey"
ADD_PASSKEY: Final = "Add a passkey"
CONTINUE: Final = "Continue"
CONTINUE_AS: Final = re.compile("^Continue as ")
LOOPBACK: Final = re.compile(r"^http://127\.0\.0\.1:")
APPROVE: Final = "Approve"
DENY: Final = "Deny"
ASK: Final = "Say yes and ask"
NOT_MINE: Final = "I did not start this"

_P = ParamSpec("_P")
_T = TypeVar("_T")


def trust(home: Path, ca_file: Path) -> None:
    """Put the CA certificate (PEM) of *ca_file* into the NSS database that Chromium reads under *home*."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    where = f"sql:{database}"
    subprocess.run(["certutil", "-d", where, "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", "-d", where, "-A", "-t", "C,,", "-n", "test CA", "-i", str(ca_file)], check=True)


class Desk:
    """
    One Chromium, used from one thread of its own.

    Playwright's blocking interface leaves an event loop marked as running in
    the thread that uses it, and `asyncio.run` would fail there for every
    later test of the same worker. So it gets its own thread, and whoever
    wants something of a page hands over a function (`run`).
    """

    def __init__(self, home: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser")
        self._playwright: Playwright
        self._browser: Browser
        self.run(self._start, home)

    def run(self, what: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call *what* in the browser's thread and return (or raise) what comes of it."""
        return self._thread.submit(what, *args, **kwargs).result()

    def person(self, origin: str) -> "Person":
        """Return somebody with a fresh browser profile (no cookies) in front of *origin*."""
        return Person(self, origin, self.run(self.context))

    def context(self, **options: Any) -> BrowserContext:
        """Open a fresh profile with *options* of Playwright's `new_context`; only in the browser's thread (`run`)."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        return context

    def close(self) -> None:
        """End the browser and its thread."""
        self.run(self._stop)
        self._thread.shutdown()

    def _start(self, home: Path) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), env={**os.environ, "HOME": str(home)}
        )

    def _stop(self) -> None:
        self._browser.close()
        self._playwright.stop()


@contextmanager
def desk(home: Path, ca_file: Path) -> Iterator[Desk]:
    """Start a Chromium that lives in *home* (an empty folder) and trusts *ca_file*; end it at the end."""
    trust(home, ca_file)
    opened = Desk(home)
    try:
        yield opened
    finally:
        opened.close()


class Person:
    """
    Somebody in front of the pages, in a browser profile of their own.

    Finds everything by accessible role and name, as a screen reader does. A
    verb returns when the page that followed has loaded; `says` is what it shows.
    """

    def __init__(self, at: Desk, origin: str, context: BrowserContext) -> None:
        self._desk = at
        self._origin = origin
        self._context = context
        self._page = at.run(context.new_page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.run(self._context.close)

    def sign_in(self, username: str, password: str, totp: str) -> None:
        """Open the device page and sign in, on one page or one after another, as the pages ask."""
        self._desk.run(self._sign_in, {USER_NAME: username, PASSWORD: password, TOTP: totp})

    def enter_code(self, user_code: str) -> None:
        """Open the device page, type *user_code* and go on to the page that asks for the decision."""
        self._desk.run(self._enter_code, user_code)

    def let_in(self, address: str) -> str:
        """Open the *address* that a program of this machine shows and go on as who is signed in; what is shown then."""
        return self._desk.run(self._let_in, address)

    def approve(self) -> None:
        """Press *Approve* on the page that asks for the decision."""
        self._desk.run(self._press, APPROVE)

    def deny(self) -> None:
        """Press *Deny* on the page that asks for the decision."""
        self._desk.run(self._press, DENY)

    def report(self) -> None:
        """Press *I did not start this* on the page that asks for the decision."""
        self._desk.run(self._press, NOT_MINE)

    def says(self) -> str:
        """Return the text that the page shows now."""
        return self.look(lambda page: page.inner_text("body"))

    def look(self, how: Callable[[Page], _T]) -> _T:
        """Return what *how* finds on (or does with) the Playwright page; it runs in the browser's thread."""
        return self._desk.run(how, self._page)

    def _sign_in(self, answers: dict[str, str]) -> None:
        self._page.goto(self._origin + DEVICE_LOGIN)
        for _ in range(len(answers)):  # at most one page a question
            asked = [label for label in answers if self._page.get_by_label(label, exact=True).count()]
            if not asked:
                return
            for label in asked:
                self._page.get_by_label(label, exact=True).fill(answers[label])
            self._press(SIGN_IN if self._has(SIGN_IN) else CONTINUE)

    def _let_in(self, address: str) -> str:
        self._page.goto(address)
        on = self._page.get_by_role("button", name=CONTINUE_AS)
        if on.count():  # nobody is asked when the sign-in is that very application's already
            on.click()
            self._page.wait_for_url(LOOPBACK)
        return self._page.inner_text("body")

    def _enter_code(self, user_code: str) -> None:
        self._page.goto(self._origin + DEVICE_LOGIN)
        self._page.get_by_label(CODE, exact=True).fill(user_code)
        self._press(CONTINUE)

    def _has(self, button: str) -> bool:
        return self._page.get_by_role("button", name=button, exact=True).count() > 0

    def _press(self, button: str) -> None:
        with self._page.expect_navigation():
            self._page.get_by_role("button", name=button, exact=True).click()
