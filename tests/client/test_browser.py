"""
Authorization code with PKCE and a loopback redirect: what is sent, and what is believed of the browser's return.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ostiary.client.browser import BrowserWanted, Request, sign_in_by_browser
from ostiary.client.discovery import discover
from ostiary.client.errors import DeniedByPerson, ServerFault, StepUpNeeded, TimedOut
from ostiary.client.exchange import Event, Exchange
from ostiary.client.machine import Machine
from ostiary.client.tokens import Granted
from tests.client.conftest import Perform
from tests.client.wire import CLIENT, Wire


def signing_in(wire: Wire, **wishes: Any) -> Exchange[Granted]:
    """Discovery and one sign-in; randomness is real."""
    server = yield from discover(wire.origin)
    request = Request(CLIENT, f"{wire.origin}/.default openid", timeout=wishes.pop("timeout", 120.0), **wishes)
    return (yield from sign_in_by_browser(server, request, Machine().random))


class Browser:
    """Follows the address it is told to its end, as a browser would, in a thread of its own."""

    def __init__(self, visit: Callable[[str], None] | None = None) -> None:
        self.addresses: list[str] = []
        self.pages: list[str] = []
        self._visit = visit or self.follow
        self._thread: threading.Thread | None = None

    def tell(self, event: Event) -> None:
        if isinstance(event, BrowserWanted):
            self.addresses.append(event.address)
            self._thread = threading.Thread(target=self._visit, args=(event.address,), daemon=True)
            self._thread.start()

    def follow(self, address: str) -> None:
        self.pages.append(fetch(address))

    def done(self) -> None:
        if self._thread is not None:
            self._thread.join(timeout=120)


def fetch(address: str) -> str:
    """The page at the end of all redirects, whatever its status."""
    try:
        with urllib.request.urlopen(address, timeout=120) as page:
            return str(page.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return str(refused.read().decode())


def test_a_browser_sign_in_brings_tokens(wire: Wire, perform: Perform) -> None:
    """Code, PKCE S256, state, nonce, a loopback port without a path."""
    browser = Browser()
    granted = perform(signing_in(wire, max_age=0, login_hint="alice@example.com"), Machine(), browser.tell)
    browser.done()
    assert granted.access_token == "access-1-1"
    sent = dict(parse_qsl(urlsplit(browser.addresses[0]).query))
    assert sent["code_challenge_method"] == "S256"
    assert (sent["max_age"], sent["login_hint"]) == ("0", "alice@example.com")
    redirect = urlsplit(sent["redirect_uri"])
    assert (redirect.scheme, redirect.hostname, redirect.path) == ("http", "127.0.0.1", "")
    redeemed = wire.state.calls("/token")[0].form
    assert redeemed["redirect_uri"] == sent["redirect_uri"]
    assert len(redeemed["code_verifier"]) == 43
    assert "close this window" in browser.pages[0]
    assert "code-1" not in browser.pages[0]


def test_every_sign_in_has_secrets_of_its_own(wire: Wire, perform: Perform) -> None:
    """State, nonce, challenge and verifier never come twice."""
    browser = Browser()
    for _ in range(2):
        perform(signing_in(wire), Machine(), browser.tell)
        browser.done()
    first, second = (dict(parse_qsl(urlsplit(address).query)) for address in browser.addresses)
    assert not {first[name] for name in ("state", "nonce", "code_challenge")} & set(second.values())


BELIEVED = [
    ({"iss": "https://evil.example.com"}, ServerFault),
    ({"iss": None}, ServerFault),
    ({"code": None}, ServerFault),
    ({"error": "access_denied", "code": None}, DeniedByPerson),
    ({"error": "interaction_required", "error_description": "x", "code": None}, StepUpNeeded),
]


@pytest.mark.parametrize(("changes", "kind"), BELIEVED)
def test_a_return_that_is_not_right_is_not_redeemed(
    wire: Wire, perform: Perform, changes: dict[str, Any], kind: type[Exception]
) -> None:
    """RFC 9207: the issuer is compared, missing counts as wrong where the server promised it; errors are errors."""
    wire.state.authorize = lambda answer: {k: v for k, v in {**answer, **changes}.items() if v is not None}
    browser = Browser()
    with pytest.raises(kind):
        perform(signing_in(wire), Machine(), browser.tell)
    browser.done()
    assert wire.state.calls("/token") == []


def test_a_foreign_request_to_the_port_neither_ends_nor_feeds_the_wait(wire: Wire, perform: Perform) -> None:
    """Another path, another state, no state: turned away, and the real answer still counts."""

    def visit(address: str) -> None:
        redirect = dict(parse_qsl(urlsplit(address).query))["redirect_uri"]
        pages.append(fetch(f"{redirect}/favicon.ico"))
        pages.append(fetch(f"{redirect}/?code=stolen&state=guessed"))
        pages.append(fetch(f"{redirect}/?code=stolen"))
        pages.append(fetch(address))

    pages: list[str] = []
    browser = Browser(visit)
    assert perform(signing_in(wire), Machine(), browser.tell).access_token == "access-1-1"
    browser.done()
    assert wire.state.calls("/token")[0].form["code"] == "code-1"
    assert ["Signed in" in page for page in pages] == [False, False, False, True]


def test_nobody_coming_back_is_a_time_out(wire: Wire, perform: Perform) -> None:
    """Exit 6; the port is closed again."""
    browser = Browser(lambda address: None)
    with pytest.raises(TimedOut):
        perform(signing_in(wire, timeout=0.2), Machine(), browser.tell)
    redirect = dict(parse_qsl(urlsplit(browser.addresses[0]).query))["redirect_uri"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(redirect, timeout=2)


def test_an_id_token_that_answers_another_request_is_refused(wire: Wire, perform: Perform) -> None:
    """OpenID Connect Core §3.1.3.7: the nonce is ours or nothing counts."""

    def forget_nonce(answer: dict[str, str]) -> dict[str, str]:
        wire.state.nonce = "another"
        return answer

    wire.state.authorize = forget_nonce
    browser = Browser()
    with pytest.raises(ServerFault, match="nonce"):
        perform(signing_in(wire), Machine(), browser.tell)
    browser.done()
