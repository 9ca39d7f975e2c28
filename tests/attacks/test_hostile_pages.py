"""
What other web pages and links can do to a signed-in person (R16, RFC 9700): clickjacking and cross-site forms in a real
Chromium, open redirects, session fixation.
"""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Page

from ostiary.core.tokens.pkce import challenge_of
from ostiary.services.tokens.sign_in import check_password, rise
from ostiary.web.front.credentials import set_cookie
from ostiary.web.front.headers import HEADERS
from tests.attacks.plots import Attack, Outcome, Stop, by_rule, cases, prove, redeemed, stopped, used
from tests.attacks.stage import ABROAD, CLI, Stage, typed
from tests.attacks.visitor import Visitor
from tests.journeys.browser import APPROVE, Desk, desk

EVIL = "https://evil.example"
PLANTED = "known-to-somebody-before-the-sign-in-0000000"
VERIFIER = "v" * 64


class _Browser:
    """The one Chromium of the module, for plays that need it."""

    desk: Desk


@pytest.fixture(scope="module", autouse=True)
def _chromium(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with desk(tmp_path_factory.mktemp("browser"), stage.server.authority) as opened:
        _Browser.desk = opened
        yield


# ---- what is switched


def _for_every_site(name: str, value: str, *, seconds: int | None = None) -> tuple[bytes, bytes]:
    header, line = set_cookie(name, value, seconds=seconds)
    return header, line.replace(b"SameSite=Lax", b"SameSite=None")


async def _kept(house: Any, tx: Any, visit: Any, found: Any, cookie: str, fresh: str, *rest: Any) -> Any:
    return await rise(house, tx, visit, found, cookie, cookie, *rest)


class _Known:
    """Random numbers that somebody knows."""

    def __init__(self, honest: Any) -> None:
        self._honest = honest

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: PLANTED) if name == "token" else getattr(self._honest, name)


async def _planted(house: Any, *rest: Any) -> Any:
    return await check_password(replace(house, random=_Known(house.random)), *rest)


def _unframed(own: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that are added to an answer's *own*, without the one sentence about frames."""
    added = ((name, value.replace(b"frame-ancestors 'none'; ", b"")) for name, value in HEADERS)
    return tuple(pair for pair in added if pair[0] not in {name.lower() for name in own})


FRAMES = by_rule("R16", "nobody frames our pages", ("web.front.headers._missing", _unframed))
TOKEN = by_rule("R16", "a form carries a token", ("web.front.csrf._matches", lambda *_: True))
ORIGIN = by_rule("R16", "a form comes from our own origin", ("web.front.csrf.same_origin", lambda *_: True))
LAX = by_rule("R16", "cookies stay at home (SameSite)", ("web.pages.signin.set_cookie", _for_every_site))
RETURN = by_rule("R16", "the way back is a path of ours", ("web.pages.page._RETURN", re.compile(r".*", re.DOTALL)))
REDIRECT = by_rule(
    "RFC 9700", "redirect addresses are registered", ("services.tokens.authorize.redirects_to", lambda *_: True)
)
AT_PASSWORD = by_rule("R16", "a new session id at the password", ("web.pages.signin.check_password", _planted))
AT_RISE = by_rule("R16", "a new session id at the second factor", ("services.tokens.sign_in.rise", _kept))


# ---- other people's pages


@contextmanager
def evil_page(content: str, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers everything with *content*; its address without scheme and host."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f":{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---- how they are played


def clickjacked(stage: Stage) -> Outcome:
    """
    A page of a sister site (same host, another port: cookies come along) shows our decision under a button of its own,
    and Alice clicks.
    """
    machine, victim = stage.machine(ABROAD), stage.person("alice")
    codes = machine.start().json()
    request = urljoin(stage.server.origin, typed(victim, codes["user_code"]).headers["location"])
    frame = f'<iframe src="{request}" style="position:fixed;inset:0;width:100%;height:100%;opacity:0.01"></iframe>'
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(stage.server.data / "tls" / "server.pem", stage.server.data / "tls" / "server.key")
    with evil_page(f"<!doctype html><p>You have won!</p>{frame}", tls) as path:
        told = _Browser.desk.run(_click_under, _Browser.desk, victim, f"https://localhost{path}")
    outcome = redeemed(machine, codes["device_code"])
    return outcome if outcome.won else Outcome(stopped=told)


def _click_under(at: Desk, victim: Visitor, address: str) -> str:
    context = at.context(viewport={"width": 1000, "height": 1400})
    context.add_cookies(
        [
            {"name": one.name, "value": str(one.value), "url": victim.origin, "secure": True, "sameSite": "Lax"}
            for one in victim.http.cookies.jar
        ]
    )
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda line: told.append(line.text))
    page.goto(address)
    button = page.frames[-1].get_by_role("button", name=APPROVE, exact=True)
    if button.count():
        place = button.bounding_box()
        assert place is not None
        with page.expect_event("framenavigated"):
            page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    context.close()
    return " ".join(told)


def forged(stage: Stage) -> Outcome:
    """
    A page of another site sends our own forms from Alice's browser: it types the attacker's code for her, and approves
    it (the attacker is so lucky as to know the address of her page).
    """
    alice, machine = stage.server.people["alice"], stage.machine(ABROAD)
    codes = machine.start().json()
    with _Browser.desk.person(stage.server.origin) as victim:
        victim.sign_in(alice.username, alice.password, alice.totp())
        shown = victim.look(lambda page: _sent(page, stage, "/devicelogin", user_code=codes["user_code"]))
        claimed = stage.entries("device:signin:claimed")
        begun = stage.entries("device:signin:started")[-1]["story"]
        if not claimed or claimed[-1]["story"] != begun:
            return Outcome(stopped=shown)
        shown = victim.look(lambda page: _sent(page, stage, f"/devicelogin/request/{begun}/approve"))
    outcome = redeemed(machine, codes["device_code"])
    return outcome if outcome.won else Outcome(stopped=shown)


def _sent(page: Page, stage: Stage, path: str, **fields: str) -> str:
    """What *page* shows after a page of another site sent a form to *path*."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    action = stage.server.origin + path
    form = f'<form method="post" action="{action}">{inputs}<input name="form_token" value="{"0" * 64}"></form>'
    with evil_page(f"<!doctype html>{form}<script>document.forms[0].submit()</script>") as address:
        page.goto(f"http://127.0.0.1{address}", wait_until="commit")
        page.wait_for_url(f"{stage.server.origin}/**")
        page.wait_for_load_state()
        return page.inner_text("body")


def led_away(target: str) -> Callable[[Stage], Outcome]:
    """A link to our sign-in page that leads on to another site afterwards."""

    def play(stage: Stage) -> Outcome:
        alice, browser = stage.server.people["alice"], stage.visitor(ABROAD)
        page = browser.get("/signin", params={"return": target})
        second = browser.submit(page, "/signin", username=alice.username, password=alice.password)
        done = browser.submit(browser.get(second.headers["location"]), "/signin/second", totp=alice.totp())
        onward = done.headers.get("location") or done.text
        there = urljoin(stage.server.origin, onward.replace("\\", "/"))
        host = urlsplit(there).netloc
        return Outcome(there) if host == urlsplit(EVIL).netloc else Outcome(stopped=onward)

    return play


def sent_elsewhere(stage: Stage) -> Outcome:
    """A link that asks for a code of the command-line client, to be sent to the attacker, who has its verifier."""
    asked = {
        "client_id": CLI, "redirect_uri": f"{EVIL}/back", "response_type": "code", "state": "s",
        "scope": f"{stage.server.origin}/User.Read openid", "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }  # fmt: skip
    victim, machine = stage.person("alice"), stage.machine(ABROAD)
    first = victim.get("/common/oauth2/v2.0/authorize", params=asked)
    if urlsplit(first.headers["location"]).path != "/continue":
        return stopped(victim.get(first.headers["location"]))
    back = victim.authorize(asked).headers["location"]
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": f"{EVIL}/back", "code_verifier": VERIFIER,
    }  # fmt: skip
    return used(machine, machine.post("token", form))


def fixated(stage: Stage) -> Outcome:
    """The attacker leaves cookies with a value he knows in Alice's browser; she signs in; he uses the value."""
    alice, victim = stage.server.people["alice"], stage.visitor(ABROAD)
    for name in ("__Host-session", "__Host-half", "__Host-form"):
        victim.http.cookies.set(name, PLANTED, domain="localhost.local", path="/")
    victim.sign_in(alice.username, alice.password, alice.totp())
    attacker = stage.visitor(ABROAD)
    attacker.http.cookies.set("__Host-session", PLANTED, domain="localhost.local", path="/")
    answer = attacker.get("/account")
    won = answer.status_code == 200 and alice.username in answer.text
    return Outcome("her account") if won else Outcome(stopped=f"{answer.status_code} {answer.headers['location']}")


DONE_NOTHING = "nothing was done"
ATTACKS = (
    Attack("clickjacking", clickjacked, (Stop(FRAMES, "frame-ancestors 'none'"),)),
    Attack(
        "cross-site forms", forged, (Stop(TOKEN, DONE_NOTHING), Stop(ORIGIN, DONE_NOTHING), Stop(LAX, DONE_NOTHING))
    ),
    Attack("an open redirect: two slashes", led_away("//evil.example/x"), (Stop(RETURN, "/devicelogin"),)),
    Attack("an open redirect: a backslash", led_away("/\\evil.example/x"), (Stop(RETURN, "/devicelogin"),)),
    Attack("an open redirect: a whole address", led_away(f"{EVIL}/x"), (Stop(RETURN, "/devicelogin"),)),
    Attack(
        "an authorization code sent elsewhere", sent_elsewhere,
        (Stop(REDIRECT, "The address to return to is not registered for this application."),),
    ),
    Attack("session fixation", fixated, (Stop(AT_PASSWORD, "303 /signin"), Stop(AT_RISE, "303 /signin"))),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_r16_each_rule_keeps_other_pages_out_by_itself(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """R16: each alone; none of them, and the other page acts as the person."""
    prove(stage, attack, only)
