"""Changing one's own password at the page, and what ends with it."""

import asyncio

import httpx
import pytest

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import minutes
from ostiary.services.directory.credentials import Link, invite
from tests.web.pages.site import BOB, CAROL, NAMES, PASSWORD, Browser, Site, hidden

PATH = "/account/password"
NEW = "a wholly different sentence"


@pytest.fixture
def person(site: Site) -> Browser:
    """Bob, signed in just now."""
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def change(browser: Browser, old: str = PASSWORD, new: str = NEW, repeat: str = "") -> httpx.Response:
    """Fill in the form."""
    return browser.submit(browser.get(PATH), PATH, old=old, password=new, repeat=repeat or new)


def test_a_person_changes_their_own_password(site: Site, person: Browser) -> None:
    """The new one signs in, the old one does not, and the journal says who did it."""
    done = change(person)
    assert done.status_code == 200
    assert "Your password is changed" in done.text
    assert "/signout" not in done.text
    fresh = site.browser()
    assert fresh.password(BOB).status_code == 401
    assert fresh.password(BOB, NEW).status_code == 303
    (entry,) = site.entries(Kind.PASSWORD_CHANGED)
    assert (entry["actor"], entry["target"]) == (f"user:{BOB}", f"user:{BOB}")


def test_everything_that_began_before_ends_and_exemptions_stay(site: Site, person: Browser) -> None:
    """This browser, another one, and a link that could set a password; another person's session goes on."""
    site.open(BOB)
    other, stranger = site.browser(), site.browser()
    other.sign_in(BOB)
    stranger.sign_in(CAROL)
    link = site.run(invite(site.house, site.admin(), BOB))
    assert isinstance(link, Link)
    assert change(person).status_code == 200
    assert "__Host-session" not in person.cookies
    assert other.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 200
    page = other.get("/password")
    assert other.submit(page, "/password", token=link.token, password=PASSWORD, repeat=PASSWORD).status_code == 400
    again = site.browser()
    second = again.follow(again.password(BOB, NEW))
    again.submit(second, "/signin/second", totp=site.totp(BOB))
    assert "install the build tool" in again.get("/account").text


def test_the_person_is_told_at_the_next_sign_in(site: Site, person: Browser) -> None:
    """Once, although it was done in their own name: perhaps somebody else held their session."""
    change(person)
    browser = site.browser()
    second = browser.follow(browser.password(BOB, NEW))
    told = browser.submit(second, "/signin/second", totp=site.totp(BOB))
    assert told.status_code == 200
    assert "Your password was changed at your account" in told.text
    later = site.browser()
    second = later.follow(later.password(BOB, NEW))
    assert later.submit(second, "/signin/second", totp=site.totp(BOB)).status_code == 303


def test_it_needs_a_second_factor_not_older_than_five_minutes(site: Site, person: Browser) -> None:
    """R3: asked for before the form is shown, and again when the form lay open too long."""
    page = person.get(PATH)
    site.clock.move(minutes(6))
    for answer in (
        person.get(PATH),
        person.submit(page, PATH, old=PASSWORD, password=NEW, repeat=NEW),
    ):
        assert answer.headers["location"] == "/signin/again?return=%2Faccount%2Fpassword"
    assert site.entries(Kind.PASSWORD_CHANGED) == []
    back = person.submit(person.follow(answer), "/signin/again", totp=site.totp(BOB))
    assert back.headers["location"] == PATH
    assert change(person).status_code == 200


@pytest.mark.parametrize(
    ("new", "repeat"),
    [
        ("short", ""),
        (NEW, "another sentence"),
        (NAMES[BOB], ""),
        (PASSWORD, ""),
        ("password1234567", ""),
        ("x" * 300, ""),
    ],
)
def test_the_new_one_is_held_to_the_rules_of_any_password(site: Site, person: Browser, new: str, repeat: str) -> None:
    """Too short, twice different, the own name, the old one, an obvious one, too long: said, and nothing changes."""
    answer = change(person, new=new, repeat=repeat)
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert site.entries(Kind.PASSWORD_CHANGED) == []
    assert person.get("/account").status_code == 200


def test_wrong_old_passwords_are_counted_like_those_of_a_sign_in(site: Site, person: Browser) -> None:
    """Five slow it, here and at this browser's sign-in, where the right one does not help then; nowhere else."""
    for _ in range(5):
        assert change(person, old="a wrong sentence").status_code == 400
    refused = change(person)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert person.password(BOB).status_code == 429
    assert site.browser("203.0.113.50").password(BOB).status_code == 303
    assert len(site.entries(Kind.PASSWORD_CHANGE_REFUSED)) == 5
    assert site.entries(Kind.PASSWORD_CHANGED) == []


def test_of_many_old_passwords_at_once_only_the_first_are_told(site: Site, person: Browser) -> None:
    """Neither sentence nor change tells of a right one behind a wrong one that closed the counter."""
    for _ in range(4):
        change(person, old="a wrong sentence")
    form = hidden(person.get(PATH), PATH)
    headers = {"sec-fetch-site": "same-origin", "origin": site.origin}

    async def all_at_once() -> list[int]:
        fields = [
            {**form, "old": old, "password": NEW, "repeat": NEW} for old in ["a wrong sentence"] * 8 + [PASSWORD] * 8
        ]
        answers = await asyncio.gather(*(person.client.post(PATH, data=each, headers=headers) for each in fields))
        return sorted(answer.status_code for answer in answers)

    assert site.run(all_at_once()) == [400] + [429] * 15
    assert site.entries(Kind.PASSWORD_CHANGED) == []


def test_nobody_is_asked_without_a_session(site: Site) -> None:
    """Nor can a form of somebody who signed out meanwhile change anything."""
    browser = site.browser()
    assert browser.get(PATH).headers["location"].startswith("/signin")
    browser.sign_in(BOB)
    page = browser.get(PATH)
    browser.submit(browser.get("/account"), "/signout")
    late = browser.submit(page, PATH, old=PASSWORD, password=NEW, repeat=NEW)
    assert late.status_code == 403
    assert site.entries(Kind.PASSWORD_CHANGED) == []
