"""R16 on every page: headers, form tokens, methods; and bad input, which is always told and never a 500."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount

from ostiary.web.front.headers import HEADERS
from ostiary.web.pages import PAGES, routes
from ostiary.web.pages.console.live import PATH as EVENTS
from tests.web.pages.site import BOB, Browser, Site

EVERY = [page for group in PAGES for page in group]
POSTS = [page.path for page in EVERY if page.post]
GETS = [page.path for page in EVERY if page.get]


def plain(path: str) -> str:
    """*path* with something in the place of its parameters."""
    return (
        path.replace("{number}", "53003").replace("{signin}", "x").replace("{session}", "x").replace("{exemption}", "x")
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One house for all questions that change nothing."""
    made = Site(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def person(shared: Site) -> Browser:
    """Somebody signed in."""
    browser = shared.browser()
    browser.sign_in(BOB)
    return browser


def test_every_route_is_a_page_or_static(shared: Site) -> None:
    """Nothing is served beside the list, but the stream of events (tests/web/pages/test_console.py)."""
    listed = {page.path for page in EVERY} | {EVENTS}
    for route in routes(shared.house):
        assert route.path in listed or isinstance(route, Mount)


@pytest.mark.parametrize("path", [*GETS, "/static/ostiary.css", "/nothing/here"])
def test_r16_every_answer_carries_the_headers(shared: Site, person: Browser, path: str) -> None:
    """R16: policy, no-store, referrer, opener; for the signed-in and for strangers."""
    for browser in (person, shared.browser()):
        answer = browser.get(plain(path))
        assert answer.status_code < 500
        for name, value in HEADERS:
            if not (path.startswith("/static/") and name == b"cache-control"):
                assert answer.headers[name.decode()] == value.decode()


def test_r16_the_policy_is_exactly_the_rule() -> None:
    """R16, word by word."""
    assert dict(HEADERS)[b"content-security-policy"].decode() == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


@pytest.mark.parametrize("path", GETS)
def test_r16_a_get_changes_nothing(shared: Site, person: Browser, path: str) -> None:
    """R16: the journal and every row stay as they were."""
    before = dump(shared.house.settings.data)
    person.get(plain(path))
    person.get(plain(path) + "?return=/account&user_code=BBBBBBBB&ref=x")
    assert dump(shared.house.settings.data) == before


def dump(folder: Path) -> list[str]:
    """The whole database as text."""
    with sqlite3.connect(folder / "ostiary.db") as db:
        return list(db.iterdump())


FORGED: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("no token", {"other": "field"}, {"sec-fetch-site": "same-origin"}),
    ("a forged token", {"form_token": "0" * 64}, {"sec-fetch-site": "same-origin"}),
    ("somebody else's token", {"form_token": "theirs"}, {"sec-fetch-site": "same-origin"}),
    ("no word of where it came from", {"form_token": "ours"}, {}),
    ("another site", {"form_token": "ours"}, {"sec-fetch-site": "cross-site"}),
    ("a sister site", {"form_token": "ours"}, {"sec-fetch-site": "same-site"}),
    ("another origin", {"form_token": "ours"}, {"origin": "https://evil.example"}),
    ("an opaque origin", {"form_token": "ours"}, {"origin": "null"}),
    ("two stories", {"form_token": "ours"}, {"sec-fetch-site": "same-origin", "origin": "https://evil.example"}),
]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(("_case", "fields", "headers"), FORGED, ids=[case for case, _, _ in FORGED])
def test_r16_forged_posts_do_nothing(
    shared: Site, person: Browser, path: str, _case: str, fields: dict[str, str], headers: dict[str, str]
) -> None:
    """R16: the token *and* the origin, at each form, the sign-in form included."""
    stranger = shared.browser()
    tokens = {"ours": token(person.get("/account")), "theirs": token(stranger.get("/signin"))}
    sent = {name: tokens.get(value, value) for name, value in fields.items()}
    before = dump(shared.house.settings.data)
    answer = shared.run(person.client.post(plain(path), data=sent, headers=headers))
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert dump(shared.house.settings.data) == before


def token(page: httpx.Response) -> str:
    """The form token on *page*."""
    return page.text.partition('name="form_token" value="')[2].partition('"')[0]


def test_r16_a_token_of_before_the_sign_in_counts_no_more(shared: Site) -> None:
    """R16: it is bound to what the browser held then."""
    browser = shared.browser()
    early = token(browser.get("/signin"))
    browser.sign_in(BOB)
    assert browser.post("/account/end-all", form_token=early).status_code == 403
    assert browser.get("/account").status_code == 200


FORM = "application/x-www-form-urlencoded"
BAD: list[tuple[str, str, bytes]] = [
    ("repeated field", FORM, b"username=a&username=b"),
    ("oversized", FORM, b"username=" + b"a" * 70_000),
    ("too many fields", FORM, b"&".join(b"f%d=1" % number for number in range(80))),
    ("not UTF-8", FORM, b"username=%ff%fe"),
    ("a zero byte", FORM, b"username=%00"),
    ("JSON", "application/json", b'{"username": "a"}'),
    ("multipart", "multipart/form-data; boundary=x", b"--x--"),
    ("another charset", FORM + "; charset=utf-16", b"username=a"),
    ("no type", "", b"username=a"),
]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(("_case", "kind", "body"), BAD, ids=[case for case, _, _ in BAD])
def test_bad_forms_get_a_clear_answer(
    shared: Site, person: Browser, path: str, _case: str, kind: str, body: bytes
) -> None:
    """400 with a sentence, and nothing changed."""
    before = dump(shared.house.settings.data)
    headers = {"content-type": kind, "sec-fetch-site": "same-origin"}
    answer = shared.run(person.client.post(plain(path), content=body, headers=headers))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert dump(shared.house.settings.data) == before


@pytest.mark.parametrize("query", ["?return=%ff", "?return=a&return=b", "?x=%00", "?" + "&".join("abcdefghij" * 8)])
def test_bad_queries_get_a_clear_answer(shared: Site, query: str) -> None:
    """As strict as the forms."""
    assert shared.browser().get("/signin" + query).status_code == 400


@pytest.mark.parametrize("path", [page.path for page in EVERY])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(shared: Site, person: Browser, path: str, method: str) -> None:
    """405 with what is allowed."""
    answer = shared.run(person.client.request(method, plain(path)))
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert "Reference:" in answer.text


@pytest.mark.parametrize("path", ["/error/abc", "/error/1", "/error/99999999999", "/signin/nope", "/static/../page.py"])
def test_unknown_addresses_are_404(shared: Site, path: str) -> None:
    """A page, not a stack trace."""
    assert shared.browser().get(path).status_code == 404


@pytest.mark.parametrize("value", ["", "x" * 5000, "a.b.c", "é", "=;,"])
@pytest.mark.parametrize("name", ["__Host-session", "__Host-half", "__Host-known", "__Host-form"])
def test_broken_cookies_are_nobodys(shared: Site, name: str, value: str) -> None:
    """Whatever a cookie holds, the worst is that nobody is signed in."""
    browser = shared.browser()
    headers = {b"cookie": f"{name}={value}".encode("latin-1")}
    for path in ("/signin", "/signin/second", "/account", "/password"):
        answer = shared.run(browser.client.get(path, headers=headers))
        assert answer.status_code in (200, 303)


def test_the_explaining_page_says_what_to_do_and_echoes_only_references(shared: Site) -> None:
    """The reference is shown when it looks like one, and nothing else of the address is."""
    good = shared.browser().get("/error/53003?ref=4f6e8b9a-1111-4222-8333-444455556666")
    assert good.status_code == 200
    assert "4f6e8b9a-1111-4222-8333-444455556666" in good.text
    assert "What to do next" in good.text
    assert "<b>" not in shared.browser().get("/error/53003?ref=<b>boo</b>").text


def test_each_page_has_a_title_a_language_and_a_way_past_the_head(shared: Site, person: Browser) -> None:
    """What a screen reader needs first; and every field has a label of its own."""
    titles = {}
    for path in (
        "/signin",
        "/devicelogin",
        "/account",
        "/password",
        "/setup",
        "/about",
        "/signin/again",
        "/error/53003",
    ):
        page = person.get(path).text
        assert '<html lang="en">' in page
        assert '<a class="skip" href="#main">' in page
        assert '<main id="main"' in page
        titles[page.partition("<title>")[2].partition("</title>")[0]] = path
        for id in [part.partition('"')[0] for part in page.split('<input id="')[1:]]:
            assert f'<label for="{id}">' in page
    assert len(titles) == 8
