"""Around a decision: hostile names, reloads, the way back, a second press, two tabs, a session that ends."""

import json
import sqlite3
from dataclasses import replace

import httpx
import pytest

from ostiary.core.directory.applications import to_document
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours
from tests.web.pages.site import BOB, CAROL, TOOL, Browser, Site, actions, hidden

OVERRIDE, ISOLATE = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{RIGHT-TO-LEFT ISOLATE}"
HOSTILE = f"<script>alert(1)</script>{OVERRIDE}gnp.lagel{ISOLATE}\"'><b>{{{{ 7*7 }}}}"


@pytest.fixture
def person(site: Site) -> Browser:
    """Bob with an open exemption, signed in."""
    site.open(BOB)
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def asked(site: Site, browser: Browser, code: str = "") -> str:
    """Type *code*, or that of a new sign-in; the path of the decision."""
    code = code or site.start().user_code
    answer = browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=code)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def rename(site: Site, name: str) -> None:
    """Give the tool *name* behind the back of every check."""
    document = json.dumps(to_document(replace(site.house.desk.picture.applications[TOOL], name=name)))
    with sqlite3.connect(site.house.settings.data / "ostiary.db") as db:
        values = (document, name, TOOL)
        db.execute("UPDATE applications SET registration = ?, display_name = ? WHERE id = ?", values)
        db.execute("UPDATE versions SET number = number + 1 WHERE name = 'picture'")
    site.run(site.house.desk.reload())


def harmless(page: httpx.Response) -> bool:
    """Nothing of a hostile name is markup, and nothing invisible turns the text around."""
    turned = any(sign in page.text for sign in (OVERRIDE, ISOLATE))
    return "<script>alert" not in page.text and "><b>" not in page.text and not turned and "49" not in _name(page)


def _name(page: httpx.Response) -> str:
    return page.text.partition("<bdi>")[2].partition("</bdi>")[0]


def test_a_hostile_name_is_text_and_nothing_else(site: Site, person: Browser) -> None:
    """Markup, quotes, template signs and directional overrides in what others may choose: shown, never obeyed."""
    rename(site, HOSTILE)
    path = asked(site, person)
    page = person.get(path)
    assert harmless(page)
    assert r"\u202egnp.lagel\u2067" in _name(page)
    assert harmless(person.submit(page, f"{path}/deny"))


def test_a_requesters_agent_is_text_and_is_cut(site: Site, person: Browser) -> None:
    """The asking machine is the attacker's: what it calls itself is bounded and isolated."""
    site.run(site.house.desk.reload())
    path = asked(site, person, machine(site, HOSTILE + "x" * 5000))
    page = person.get(path)
    assert harmless(page)
    assert "x" * 600 not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def machine(site: Site, agent: str) -> str:
    """A machine that calls itself *agent* asks; its code."""
    usual = site.visit
    site.visit = lambda *given, **named: replace(usual(*given, **named), agent=agent)  # type: ignore[method-assign]
    try:
        return site.start().user_code
    finally:
        site.visit = usual  # type: ignore[method-assign]


def test_a_very_long_name_is_shown_whole(site: Site, person: Browser) -> None:
    """No sentence is lost behind it: warning, facts and both buttons are there."""
    rename(site, "W" * 256)
    page = person.get(asked(site, person))
    assert "W" * 256 in page.text
    assert "You must have started this yourself" in page.text
    decisions = [action.rpartition("/")[2] for action in actions(page) if "/request/" in action]
    assert decisions == ["deny", "approve", "report", "change"]


@pytest.mark.parametrize(("how", "word"), [("approve", "Approved"), ("deny", "Denied"), ("report", "Reported")])
def test_a_second_press_or_a_reload_tells_the_same_again(site: Site, person: Browser, how: str, word: str) -> None:
    """The form comes twice: one decision, one entry, and the page that the first press gave."""
    path = asked(site, person)
    page = person.get(path)
    answers = [person.submit(page, f"{path}/{how}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(f"<h1>{word}</h1>" in answer.text for answer in answers)
    kind = {"approve": Kind.APPROVED, "deny": Kind.DENIED, "report": Kind.REPORTED}[how]
    assert len(site.entries(kind)) == 1


@pytest.mark.parametrize(("how", "word"), [("approve", "Approved"), ("deny", "Denied"), ("report", "Reported")])
def test_the_way_back_shows_what_was_decided(site: Site, person: Browser, how: str, word: str) -> None:
    """The address of the request, opened again: nothing is offered a second time."""
    path = asked(site, person)
    person.submit(person.get(path), f"{path}/{how}")
    back = person.get(path)
    assert back.status_code == 200
    assert f"<h1>{word}</h1>" in back.text
    assert f"{path}/approve" not in actions(back)


def test_another_tab_that_decides_otherwise_is_told(site: Site, person: Browser) -> None:
    """The first decision stands, and the page says so."""
    path = asked(site, person)
    one, two = person.get(path), person.get(path)
    person.submit(one, f"{path}/approve")
    late = person.submit(two, f"{path}/deny")
    assert late.status_code == 409
    assert "Nothing was changed" in late.text
    assert "<h1>Approved</h1>" in late.text
    assert f"{path}/report" in actions(late)  # whoever meant no can still take it back
    assert site.entries(Kind.DENIED) == []


def test_two_sign_ins_in_two_tabs_stay_apart(site: Site, person: Browser) -> None:
    """Each is decided for itself."""
    first, second = asked(site, person), asked(site, person)
    one, two = person.get(first), person.get(second)
    assert "<h1>Denied</h1>" in person.submit(two, f"{second}/deny").text
    assert "<h1>Approved</h1>" in person.submit(one, f"{first}/approve").text


def test_what_was_decided_is_told_to_that_browser_only(site: Site, person: Browser) -> None:
    """Neither another person nor another session of the same one reads the outcome."""
    path = asked(site, person)
    person.submit(person.get(path), f"{path}/approve")
    for user in (BOB, CAROL):
        other = site.browser("198.51.100.99")
        other.sign_in(user)
        answer = other.get(path)
        assert answer.status_code == 409
        assert "<h1>Approved</h1>" not in answer.text


def test_a_reload_after_the_code_was_typed_opens_the_same_request(site: Site, person: Browser) -> None:
    """The same code again, in the same browser session: not a wrong one."""
    code = site.start().user_code
    assert asked(site, person, code) == asked(site, person, code)
    assert site.entries(Kind.CODE_WRONG) == []
    assert len(site.entries(Kind.CLAIMED)) == 1


def test_a_session_that_ends_in_the_middle_leads_to_the_sign_in_and_on(site: Site, person: Browser) -> None:
    """The decision is not taken; after signing in again the same person types the same code and decides."""
    code = site.start().user_code
    path = asked(site, person, code)
    page = person.get(path)
    end_sessions(site)
    answer = person.submit(page, f"{path}/approve")
    assert answer.headers["location"] == "/signin?return=%2Fdevicelogin"
    assert person.get(path).headers["location"].startswith("/signin?return=%2Fdevicelogin%2Frequest%2F")
    assert site.entries(Kind.APPROVED) == []
    person.sign_in(BOB)
    again = asked(site, person, code)
    assert again == path
    assert "<h1>Approved</h1>" in person.submit(person.get(again), f"{again}/approve").text


def end_sessions(site: Site) -> None:
    """All sessions run out."""
    with sqlite3.connect(site.house.settings.data / "ostiary.db") as db:
        db.execute("UPDATE sessions SET idle_ends = ?, ends = ?", (site.clock.now(), site.clock.now()))


def test_a_form_of_a_cookie_that_is_gone_changes_nothing(site: Site, person: Browser) -> None:
    """The browser lost its cookies between page and press: said in words, with a way on."""
    path = asked(site, person)
    page = person.get(path)
    person.client.cookies.clear()
    answer = person.post(f"{path}/approve", **hidden(page, f"{path}/approve"))
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert 'href="/devicelogin"' in answer.text
    assert site.entries(Kind.APPROVED) == []


def test_an_old_tab_of_a_request_that_ran_out_says_so(site: Site, person: Browser) -> None:
    """Long after: nothing is approved."""
    path = asked(site, person)
    page = person.get(path)
    site.clock.move(hours(0.2))
    answer = person.submit(page, f"{path}/approve")
    assert answer.status_code in (303, 409)  # the second factor again, or that it is over
    assert person.get(path).status_code == 409
    assert site.entries(Kind.APPROVED) == []
