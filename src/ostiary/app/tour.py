"""
The whole story, played against the running sample without a human: refused, opened, signed in, used, ended.

The headless side is the real `ostiary` command in a process of its own, with an empty home; the person's browser is an
HTTP client with cookies that fills in the same forms. Nothing here has a way in that people do not have.
"""

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyotp

from ostiary.app.console import Refused
from ostiary.app.sample import DOMAIN, Secret, read_secrets
from ostiary.app.serve import SOCKET
from ostiary.app.wiring import TLS
from ostiary.core.words.instants import to_seconds
from ostiary.outside.clock import Clock
from ostiary.outside.totp import STEP_SECONDS

__all__ = ["Tour", "play"]

WHO = f"alice@{DOMAIN}"
LIMIT = 60  # seconds for any one command
DENIED = 4  # exit code: denied by policy
_OURS = ("OSTIARY_", "CI", "XDG_", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

Say = Callable[[str], None]


class _Forms(HTMLParser):
    """The forms of a page: where each goes, what it carries already, what its button says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, dict[str, str]]] = {}
        self._form: tuple[str, dict[str, str]] = ("", {})
        self._in_button = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = (given.get("action", ""), {})
        elif tag == "input" and given.get("name"):
            self._form[1][given["name"]] = given.get("value", "")
        elif tag == "button":
            self._in_button = True

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and data.strip():
            self.found[data.strip()] = self._form


class _Browser:
    """Somebody's browser: it keeps cookies, follows redirects, and sends what forms hold."""

    def __init__(self, origin: str, authority: Path) -> None:
        trust = ssl.create_default_context(cafile=str(authority))
        self._client = httpx.Client(base_url=origin, verify=trust, follow_redirects=True, timeout=LIMIT)
        self._origin = origin
        self.page = ""

    def open(self, path: str) -> None:
        """GET a page."""
        self.page = self._client.get(path).text

    def press(self, button: str, **fields: str) -> None:
        """Fill in *fields* of the form that has *button*, and press it. Raises Refused when there is none."""
        form = _Forms(self.page).found.get(button)
        if form is None:
            raise Refused(f"the page has no button {button!r}")
        action, carried = form
        headers = {"origin": self._origin, "sec-fetch-site": "same-origin"}
        self.page = self._client.post(action, data={**carried, **fields}, headers=headers).text

    def has(self, button: str) -> bool:
        """Whether the page has *button*."""
        return button in _Forms(self.page).found

    def close(self) -> None:
        """Forget everything."""
        self._client.close()


class Tour:
    """One play of the story."""

    def __init__(self, data: Path, clock: Clock, say: Say) -> None:
        """Raises Refused when no sample runs on *data*."""
        self._data, self._clock, self._say = data.resolve(), clock, say
        self._alice = _person(self._data)
        if not (self._data / SOCKET).exists():
            raise Refused(f"nothing runs on {data}: `make run` in another terminal first")
        self._home = self._data / "tour"
        self._environ = _environment(self._data, self._home)
        self._origin = self._address()
        self._token = ""

    def play(self) -> None:
        """Every step, each checked. Raises Refused at the first one that went otherwise."""
        with self._empty_home():
            self._end_windows()
            self._refused()
            self._opened()
            self._signed_in()
            self._used()
            self._ended()
        self._say("That was the story: closed, opened for one person and one reason, used, closed again.")

    def _refused(self) -> None:
        self._say("1. A machine without a browser asks for a code. Nobody has an exemption, so there is none:")
        self._ostiary("login", "--device-code", "--store", "file", "--server", self._origin, exit_code=DENIED)

    def _opened(self) -> None:
        self._say("2. At the server's own machine somebody opens a window for Alice, for a reason:")
        self._local("exemption", "open", "--user", WHO, "--for", "10m", "--reason", "the tour")

    def _signed_in(self) -> None:
        self._say("3. The machine asks again; Alice types its code at /devicelogin, after her own password and code:")
        # this program uses the token itself further down, so it must not be bound to a key of `ostiary`
        command = ("login", "--device-code", "--bearer", "--store", "file", "--server", self._origin, "--json")
        with self._started(*command) as process:
            self._approve(_user_code(process))
            if process.wait(LIMIT) != 0:
                raise Refused(f"`ostiary login` ended with {process.returncode}")
        self._say("   The machine is signed in.")

    def _approve(self, user_code: str) -> None:
        self._say(f"   {self._origin}/devicelogin  <-  {user_code}")
        browser = _Browser(self._origin, self._data / TLS / "ca.pem")
        try:
            browser.open("/devicelogin")
            browser.press("Sign in", username=WHO, password=self._alice.password)
            self._second_step(browser)
            browser.press("Continue", user_code=user_code)
            if not browser.has("Deny"):
                raise Refused("the page does not ask whether to allow the sign-in")
            browser.press("Approve")
        finally:
            browser.close()

    def _second_step(self, browser: _Browser) -> None:
        """A code of the app; where the one of this half minute was used already, the next one is waited for."""
        for _ in range(2):
            at = to_seconds(self._clock.now())
            browser.press("Continue", totp=pyotp.TOTP(self._alice.seed).at(at))
            if "user_code" in browser.page:
                return
            threading.Event().wait(STEP_SECONDS - at % STEP_SECONDS)
        raise Refused("the second step was refused twice")

    def _used(self) -> None:
        self._say("4. What it can do there:")
        self._ostiary("status")
        self._token = self._ostiary("token", quiet=True).strip()
        self._say(f"     an access token of {len(self._token)} characters")
        self._expect_userinfo(200)
        self._ostiary(
            "run", "--", sys.executable, "-c", "import os; print('signed in:', 'OSTIARY_TOKEN' in os.environ)"
        )

    def _ended(self) -> None:
        self._say("5. The window is closed before its time, and what it gave stops at once:")
        self._local("exemption", "end", "--user", WHO, "--reason", "the tour is over")
        self._expect_userinfo(401)
        self._ostiary("token", "--scope", f"{self._origin}/User.Read", exit_code=DENIED)

    def _expect_userinfo(self, status: int) -> None:
        trust = ssl.create_default_context(cafile=str(self._data / TLS / "ca.pem"))
        headers = {"authorization": f"Bearer {self._token}"}
        with httpx.Client(base_url=self._origin, verify=trust, headers=headers, timeout=LIMIT) as client:
            found = client.get("/oidc/userinfo").status_code
        self._say(f"   GET /oidc/userinfo with that token  ->  {found}")
        if found != status:
            raise Refused(f"userinfo answered {found} instead of {status}")

    def _end_windows(self) -> None:
        """What an earlier tour may have left open."""
        self._run(["--local", "exemption", "end", "--user", WHO, "--reason", "before the tour"])

    def _ostiary(self, *words: str, exit_code: int = 0, quiet: bool = False) -> str:
        self._say(f"   $ ostiary {' '.join(words)}")
        ended = self._run(list(words))
        if not quiet:
            for line in (ended.stdout + ended.stderr).splitlines():
                self._say(f"     {line}")
        if ended.returncode != exit_code:
            raise Refused(f"`ostiary {words[0]}` ended with {ended.returncode} instead of {exit_code}: {ended.stderr}")
        return ended.stdout

    def _local(self, *words: str) -> None:
        self._ostiary("--local", *words)

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  our own command, words of our own
            [_program(), *words], env=self._environ, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    @contextmanager
    def _started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        self._say(f"   $ ostiary {' '.join(words)}")
        process = subprocess.Popen(  # noqa: S603  as above
            [_program(), *words], env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        with process:
            try:
                yield process
            finally:
                process.kill()  # before the wait for its end: a step that went wrong must not hang

    @contextmanager
    def _empty_home(self) -> Iterator[None]:
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(mode=0o700)
        try:
            yield
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _address(self) -> str:
        """Where the server is, asked through its local door: discovery says it."""
        transport = httpx.HTTPTransport(uds=str(self._data / SOCKET))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=LIMIT) as client:
            document = client.get("/common/v2.0/.well-known/openid-configuration").json()
        found = urlsplit(document["issuer"])
        return f"{found.scheme}://{found.netloc}"


def play(data: Path, clock: Clock, say: Say) -> None:
    """Play the story against the sample that runs on *data*. Raises Refused."""
    Tour(data, clock, say).play()


def _person(data: Path) -> Secret:
    try:
        return next(secret for secret in read_secrets(data) if secret.name == WHO)
    except (OSError, StopIteration):
        raise Refused(f"{data} holds no sample organisation: `make run` makes one") from None


def _program() -> str:
    return str(Path(sys.executable).with_name("ostiary"))


def _environment(data: Path, home: Path) -> dict[str, str]:
    """The headless side's own: nothing of whoever plays the tour gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "STATE", "CACHE", "DATA")}
    bundle = {"SSL_CERT_FILE": str(data / TLS / "bundle.pem")}
    return {**kept, **folders, **bundle, "HOME": str(home), "OSTIARY_DATA": str(data), "NO_COLOR": "1"}


def _user_code(process: subprocess.Popen[str]) -> str:
    """The code that `ostiary login --json` tells in its first lines."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("user_code"):
            return str(event["user_code"])
    raise Refused("`ostiary login` showed no code")
