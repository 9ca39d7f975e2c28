"""
Brute force of user codes, passwords and one-time codes, from one address and from a thousand (RFC 10027 M11, R10,
decision 0011). Whoever guesses knows nearly everything: the right one is the last on a short list.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPSConnection
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest

from ostiary.core.directory.credentials import Growth, Rule
from ostiary.core.words.instants import hours, minutes, seconds, to_seconds
from ostiary.services.tokens import tries
from ostiary.store import Tx
from ostiary.store.credentials import set_password
from ostiary.store.directory import find_named
from tests.attacks.plots import Attack, Mitigation, Outcome, Stop, by_rule, cases, prove
from tests.attacks.stage import ABROAD, HOME, Stage
from tests.attacks.visitor import Visitor, hidden

MANY = 1_000
"""Addresses; the right guess comes from the last one."""
LAST = 5
NEVER = 10**9
PASSWORD = "the porter sleeps at noon"


LIMITLESS, TIRELESS = Rule(minutes(1), NEVER, hours(1)), Growth(hours(24), NEVER, seconds(1), seconds(1))
"""A limit that locks never, and one that slows never."""


def by_pace(name: str, where: str, part: str) -> Mitigation:
    """How wrong tries slow: one of the two *part*s of what stands at *where*."""

    @contextmanager
    def switch(_: Stage, on: bool) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            if not on:
                patch.setattr(tries, where, replace(getattr(tries, where), **{part: TIRELESS}))
            yield

    return Mitigation("M11", name, switch)


PERSON = by_rule("R10", "five wrong codes of a person", ("services.signins.guessing.PERSON", LIMITLESS))
SOURCE = by_rule("R10", "fifty wrong codes of an address", ("services.signins.guessing.SOURCE", LIMITLESS))
SOURCES = by_rule("M11", "wrong passwords of an address slow", ("services.tokens.tries.PASSWORD_SOURCE", TIRELESS))
PAIR = by_pace("wrong passwords for an account from an address slow", "PASSWORD", "pair")
ACCOUNT = by_pace("wrong passwords for an account slow", "PASSWORD", "account")
FACTOR_PAIR = by_pace("wrong one-time codes for an account from an address slow", "FACTOR", "pair")
FACTOR = by_pace("wrong one-time codes for an account slow", "FACTOR", "account")


class Picklock:
    """Sends the form of one page again and again, each time from the address that is said, and does nothing else."""

    def __init__(self, stage: Stage, browser: Visitor, path: str) -> None:
        """With the cookies of *browser*, and the form token of the page at *path*."""
        token = hidden(browser.get(path).text, path)["form_token"]
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.http.cookies.jar)
        self._form, self._path, self._port = {"form_token": token}, path, stage.server.port
        self._context = browser.context
        self._headers = {
            "content-type": "application/x-www-form-urlencoded", "cookie": cookies, "origin": stage.server.origin,
        }  # fmt: skip

    def guess(self, address: str, **fields: str) -> tuple[int, str]:
        """One guess; status and page."""
        door = HTTPSConnection("localhost", self._port, source_address=(address, 0), context=self._context)
        try:
            door.request("POST", self._path, urlencode({**self._form, **fields}), self._headers)
            answer = door.getresponse()
            return answer.status, answer.read().decode()
        finally:
            door.close()


def tried(picklock: Picklock, guesses: Sequence[tuple[str, dict[str, str]]]) -> Outcome:
    """
    All of *guesses*, each an address and what is sent from it; the last one is right. Who is told to wait tries the
    last few at once, from where nobody ever guessed wrong.
    """
    number, status, page = 0, 0, ""
    while number < len(guesses):
        address, fields = guesses[number]
        status, page = picklock.guess(address, **fields)
        number += 1
        if status == 303:
            return Outcome(f"guess {number}")
        if status == 429:
            number = max(number, len(guesses) - LAST)
    return Outcome(stopped=f"{status} {page}")


# ---- how they are played


def user_codes(count: int, addresses: int) -> Callable[[Stage], Outcome]:
    """Emil is signed in, and tries *count* codes to take over a sign-in that somebody else waits for."""

    def play(stage: Stage) -> Outcome:
        stage.open("emil")
        with stage.registered(code_lifetime=minutes(15)):
            right = stage.machine(HOME).start().json()["user_code"]
        near = (right[:-3] + "".join(letters) for letters in product("BCDFGHJKLMNPQRSTVWXZ", repeat=3))
        codes = [code for code, _ in zip((code for code in near if code != right), range(count - 1), strict=False)]
        where = places(stage, addresses)
        picklock = Picklock(stage, stage.person("emil", ABROAD), "/devicelogin")
        return tried(picklock, [(where(), {"user_code": code}) for code in (*codes, right)])

    return play


def places(stage: Stage, addresses: int) -> Callable[[], str]:
    """One address again and again, or another one each time."""
    one = stage.address(ABROAD)
    return (lambda: one) if addresses == 1 else (lambda: stage.address(ABROAD))


def passwords(count: int, addresses: int, names: tuple[str, ...] = ("dana",)) -> Callable[[Stage], Outcome]:
    """*count* passwords for each of *names*; the very last one is right."""

    def play(stage: Stage) -> Outcome:
        give(stage, names)
        guesses = [(name, f"{PASSWORD} {number}") for number in range(count) for name in names]
        guesses[-1] = (guesses[-1][0], PASSWORD)
        where = places(stage, addresses)
        picklock = Picklock(stage, stage.visitor(ABROAD), "/signin")
        sent = ({"username": stage.server.people[name].username, "password": one} for name, one in guesses)
        return tried(picklock, [(where(), fields) for fields in sent])

    return play


def give(stage: Stage, names: tuple[str, ...]) -> None:
    """The password to all of *names*."""
    encoded = stage.server.run(stage.house.outside.passwords.hash(PASSWORD))

    async def body(tx: Tx) -> None:
        for name in names:
            user = await find_named(tx, stage.server.people[name].username)
            assert user is not None
            await set_password(tx, user.id, encoded, stage.server.clock.now())

    stage.server.run(stage.house.store.write(body))


def one_time_codes(count: int, addresses: int) -> Callable[[Stage], Outcome]:
    """Somebody has the password of Dana and tries *count* codes of her authenticator."""

    def play(stage: Stage) -> Outcome:
        give(stage, ("dana",))
        dana, browser = stage.server.people["dana"], stage.visitor(ABROAD)
        page = browser.get("/signin")
        assert browser.submit(page, "/signin", username=dana.username, password=PASSWORD).status_code == 303
        picklock, where = Picklock(stage, browser, "/signin/second"), places(stage, addresses)
        return tried(picklock, [(where(), {"totp": code}) for code in numbers(stage, dana, count)])

    return play


def numbers(stage: Stage, dana: Any, count: int) -> Iterable[str]:
    """Codes that are wrong now and in ten minutes, and then the right one."""
    now, shown = to_seconds(stage.server.clock.now()), pyotp.TOTP(dana.seed)
    right = {shown.at(now + 30 * step) for step in range(-3, 20)}
    wrong = (f"{number:06}" for number in range(1_000_000))
    yield from (code for code, _ in zip((c for c in wrong if c not in right), range(count - 1), strict=False))
    yield dana.totp()


PEOPLE = ("alice", "bea", "carl", "otto", "dana", "emil", "fay", "gus", "hana", "ivo", "june", "kim")
WAIT = "Too many wrong tries. Try again in "
CODES = "Too many wrong codes. Wait 15 minutes"
ATTACKS = (
    Attack(
        "user codes guessed from one address", user_codes(60, 1),
        (Stop(PERSON, CODES), Stop(SOURCE, "Many wrong codes come from your network. Wait half a minute")),
    ),
    Attack("user codes guessed from 1,000 addresses", user_codes(MANY, MANY), (Stop(PERSON, CODES),)),
    Attack(
        "passwords of one account guessed from one address", passwords(45, 1),
        (Stop(PAIR, f"{WAIT}5 seconds"), Stop(SOURCES, f"{WAIT}1 second"), Stop(ACCOUNT, f"{WAIT}1 second")),
    ),
    Attack("a few passwords tried at every account", passwords(4, 1, PEOPLE), (Stop(SOURCES, f"{WAIT}1 second"),)),
    Attack(
        "passwords of one account guessed from 1,000 addresses", passwords(MANY, MANY),
        (Stop(ACCOUNT, f"{WAIT}1 second"),),
    ),
    Attack(
        "one-time codes guessed from one address", one_time_codes(12, 1),
        (Stop(FACTOR_PAIR, f"{WAIT}5 seconds"), Stop(FACTOR, f"{WAIT}30 seconds")),
    ),
    Attack(
        "one-time codes guessed from many addresses", one_time_codes(30, MANY), (Stop(FACTOR, f"{WAIT}30 seconds"),)
    ),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_m11_each_limit_stops_guessing_by_itself(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """M11, R10: each alone stops the guess that is right; none of them, and it is taken. No time passes meanwhile."""
    moment = stage.server.clock.now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.server.clock, "now", lambda: moment)  # whoever guesses is faster than any wait
        prove(stage, attack, only)
