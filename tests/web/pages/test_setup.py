"""R18 at `/setup`: a typed one-time code makes the first administrator, once."""

from pathlib import Path

import httpx
import pyotp
import pytest

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import minutes, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.first_admin import issue_code
from ostiary.store import Tx, directory
from tests.authenticator import Authenticator
from tests.web.pages.keys import key, options, sign_in
from tests.web.pages.site import PASSWORD, Browser, Site, hidden

FORM = {"username": "Root@Example.com", "display": "Root", "password": PASSWORD, "repeat": PASSWORD}


def code_of(site: Site) -> str:
    """What `ostiary-server init` prints."""
    issued = site.run(issue_code(site.house, site.visit()))
    assert not isinstance(issued, Refused)
    return issued[0]


def fill(browser: Browser, code: str, page: httpx.Response | None = None, **other: str) -> httpx.Response:
    """Open the page and send its form, with the right one-time code of the app unless *other* has one."""
    page = page or browser.get("/setup")
    seed = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    totp = pyotp.TOTP(seed).at(to_seconds(browser.site.clock.now()))
    return browser.submit(page, "/setup", **{"code": code, "totp": totp, **FORM, **other})


def administrators(site: Site) -> int:
    """How many there are."""

    async def body(tx: Tx) -> int:
        return await directory.administrators(tx)

    return site.run(site.house.store.read(body))


def test_r18_the_code_makes_an_administrator_who_signs_in(empty: Site) -> None:
    """R18: one form, one transaction: account, password, authenticator, and the code is spent."""
    code, browser = code_of(empty), empty.browser()
    page = browser.get("/setup")
    seed = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    done = fill(browser, code.lower().replace("-", " "), page)
    assert done.status_code == 200
    assert "root@example.com" in done.text
    assert administrators(empty) == 1
    kinds = [entry["action"] for entry in empty.entries()]
    assert kinds == [Kind.FIRST_CODE, Kind.USER_CREATED, Kind.AUTHENTICATOR_ADDED, Kind.FIRST_ADMINISTRATOR]
    empty.clock.move(minutes(0.5))
    second = browser.follow(
        browser.submit(browser.get("/signin"), "/signin", username="root@example.com", password=PASSWORD)
    )
    totp = pyotp.TOTP(seed).at(to_seconds(empty.clock.now()))
    assert browser.submit(second, "/signin/second", totp=totp).status_code == 303


def test_r18_a_code_counts_once_and_only_without_an_administrator(empty: Site) -> None:
    """R18: afterwards neither it nor a new one does anything."""
    code, browser, late = code_of(empty), empty.browser(), empty.browser()
    waiting = late.get("/setup")
    assert fill(browser, code).status_code == 200
    assert fill(late, code, waiting).status_code == 403
    assert late.get("/setup").status_code == 403
    issued = empty.run(issue_code(empty.house, empty.visit()))
    assert isinstance(issued, Refused)
    assert issued.reason is Reason.SPENT
    assert administrators(empty) == 1


def test_r18_a_code_lives_fifteen_minutes(empty: Site) -> None:
    """R18: then the page has nothing to offer."""
    code, browser = code_of(empty), empty.browser()
    page = browser.get("/setup")
    empty.clock.move(minutes(15))
    assert fill(browser, code, page).status_code == 403
    assert administrators(empty) == 0


def test_r18_five_wrong_codes_end_it(empty: Site) -> None:
    """R18: the right one after them does nothing; each try is written down."""
    code, browser = code_of(empty), empty.browser()
    page = browser.get("/setup")
    answers = [fill(browser, "AAAA-BBBB", page).status_code for _ in range(5)]
    assert answers == [400] * 4 + [403]
    assert fill(browser, code, page).status_code == 403
    assert administrators(empty) == 0
    assert [entry["detail"]["tries"] for entry in empty.entries(Kind.FIRST_CODE_WRONG)] == [1, 2, 3, 4, 5]


def test_r18_a_new_code_ends_the_one_before(empty: Site) -> None:
    """R18: there is one that counts."""
    old, new, browser = code_of(empty), code_of(empty), empty.browser()
    assert fill(browser, old).status_code == 400
    assert fill(browser, new).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "short", "repeat": "short"}, "at least 10 characters"),
        ({"password": "password1234", "repeat": "password1234"}, "first passwords"),
        ({"password": "root@example.com", "repeat": "root@example.com"}, "your name"),
        ({"repeat": "something else entirely"}, "differ"),
        ({"username": "no address"}, "looks like alice@example.com"),
        ({"username": "r\u043e\u043et@example.com"}, "looks like alice@example.com"),
        ({"totp": "12345"}, "not the code of this QR code"),
        ({"offer": "00ff"}, "Scan the new QR code"),
    ],
)
def test_what_is_wrong_elsewhere_does_not_spend_the_code(empty: Site, wrong: dict[str, str], sentence: str) -> None:
    """It is said, the form keeps what may be kept, and the next try works."""
    code, browser = code_of(empty), empty.browser()
    page = browser.get("/setup")
    answer = browser.post("/setup", **{**_sent(browser, page, code), **wrong})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert PASSWORD not in answer.text
    assert administrators(empty) == 0
    assert fill(browser, code).status_code == 200


def _sent(browser: Browser, page: httpx.Response, code: str) -> dict[str, str]:
    seed = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    offer = page.text.partition('name="offer" value="')[2].partition('"')[0]
    totp = pyotp.TOTP(seed).at(to_seconds(browser.site.clock.now()))
    return {"form_token": token, "offer": offer, "code": code, "totp": totp, **FORM}


def test_r18_neither_code_nor_password_nor_seed_is_kept_readable(empty: Site) -> None:
    """R17: digests and sealed values only."""
    code, browser = code_of(empty), empty.browser()
    page = browser.get("/setup")
    seed = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    fill(browser, code, page)
    content = b"".join(path.read_bytes() for path in empty.house.settings.data.iterdir())
    for secret in (code, code.replace("-", ""), PASSWORD, seed):
        assert secret.encode() not in content


def test_r18_the_sample_wears_a_banner_on_each_page(tmp_path: Path) -> None:
    """R18: and no other organisation does."""
    site = Site(tmp_path, sample=True)
    try:
        for path in ("/signin", "/setup", "/password", "/about", "/error/53003", "/nothing/here"):
            assert "Sample organisation." in site.browser().get(path).text
    finally:
        site.close()


def test_r18_a_real_organisation_wears_none(site: Site) -> None:
    """R18: the banner means something."""
    assert "Sample organisation." not in site.browser().get("/signin").text


def with_passkey(browser: Browser, code: str, made: Authenticator, **other: str) -> httpx.Response:
    """Open the page and send its form with a passkey in the place of the one-time code."""
    page = browser.get("/setup")
    fields = hidden(page, "/setup") | {"code": code, **FORM, "credential": made.create(options(page, "/setup"))}
    return browser.post("/setup", **(fields | other))


def test_r18_a_passkey_takes_the_place_of_the_authenticator(empty: Site) -> None:
    """The same transaction; it then signs its administrator in with nothing else."""
    made = key(empty)
    assert with_passkey(empty.browser(), code_of(empty), made).status_code == 200
    assert administrators(empty) == 1
    kinds = [entry["action"] for entry in empty.entries()]
    assert kinds == [Kind.FIRST_CODE, Kind.USER_CREATED, Kind.PASSKEY_ADDED, Kind.FIRST_ADMINISTRATOR]
    fresh = empty.browser()
    assert sign_in(fresh, made).status_code in (200, 303)
    assert "root@example.com" in fresh.get("/account").text


def test_r18_a_passkey_that_is_not_right_makes_nobody(empty: Site) -> None:
    """Another origin, nobody verified, an account id of one's own choice: nobody is made, and the code is not spent."""
    code = code_of(empty)
    for made, other in (
        (key(empty, origin="https://ostiary.example.net"), {}),
        (key(empty, verifies=False), {}),
        (key(empty), {"account": "a11ce000-0000-4000-8000-000000000001"}),
        (key(empty), {"challenge": "00"}),
        (key(empty), {"credential": "nonsense"}),
    ):
        assert with_passkey(empty.browser(), code, made, **other).status_code == 400
        assert administrators(empty) == 0
    assert with_passkey(empty.browser(), code, key(empty)).status_code == 200


def test_r18_a_passkey_does_not_replace_the_typed_code(empty: Site) -> None:
    """Without the right one-time code nothing is made, whatever else is right."""
    code_of(empty)
    assert with_passkey(empty.browser(), "AAAA", key(empty)).status_code == 400
    assert administrators(empty) == 0
