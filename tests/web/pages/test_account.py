"""One's own account, and setting a password with a link."""

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.credentials import Link, invite
from ostiary.services.notices.channels import add_channel
from tests.web.pages.site import BOB, CAROL, NAMES, PASSWORD, Browser, Site

NEW = "a wholly different sentence"


def link_for(site: Site, *, reset: bool = False, factors: bool = False) -> Link:
    """What an administrator hands to Bob."""
    link = site.run(invite(site.house, site.admin(), BOB, reset=reset, factors=factors))
    assert not isinstance(link, Refused)
    return link


def set_with(browser: Browser, token: str, password: str = NEW, repeat: str = "") -> int:
    """Open the page and send the form; the status."""
    page = browser.get("/password")
    fields = {"token": token, "password": password, "repeat": repeat or password}
    return browser.submit(page, "/password", **fields).status_code


def test_a_link_sets_a_password_once(site: Site) -> None:
    """It signs in afterwards, the old one does not, and every session has ended."""
    browser = site.browser()
    browser.sign_in(BOB)
    link = link_for(site)
    assert link.address == f"{site.origin}/password#{link.token}"
    assert set_with(site.browser(), link.address) == 200  # the whole link, pasted
    assert set_with(site.browser(), link.token, PASSWORD) == 400
    assert browser.get("/account").status_code == 303
    assert browser.password(BOB).status_code == 401
    assert browser.password(BOB, NEW).status_code == 303


def test_a_link_lives_a_day_and_a_newer_one_ends_it(site: Site) -> None:
    """And it is nothing for somebody who was disabled meanwhile."""
    old, new = link_for(site), link_for(site)
    assert set_with(site.browser(), old.token) == 400
    site.clock.move(hours(24))
    assert set_with(site.browser(), new.token) == 400
    last = link_for(site)
    site.change(BOB, enabled=False)
    assert set_with(site.browser(), last.token) == 400


def test_a_bad_password_does_not_spend_the_link(site: Site) -> None:
    """Too short, twice different, the own name: said, and the link still counts."""
    link, browser = link_for(site), site.browser()
    assert set_with(browser, link.token, "short") == 400
    assert set_with(browser, link.token, NEW, "another sentence") == 400
    assert set_with(browser, link.token, NAMES[BOB]) == 400
    assert set_with(browser, link.token) == 200


def test_the_token_is_in_no_address_and_in_no_row(site: Site) -> None:
    """R17: behind `#`, which is never sent; a digest in the store."""
    link = link_for(site)
    assert link.address.partition("#")[0].endswith("/password")
    assert all(link.token.encode() not in path.read_bytes() for path in site.house.settings.data.iterdir())
    assert link.token not in str(site.entries())


def test_a_reset_takes_the_old_password_away_at_once(site: Site) -> None:
    """Sessions end, and only the link leads back in."""
    browser = site.browser()
    browser.sign_in(BOB)
    link = link_for(site, reset=True, factors=True)
    assert browser.get("/account").status_code == 303
    assert browser.password(BOB).status_code == 401
    assert set_with(browser, link.token) == 200
    assert browser.password(BOB, NEW).headers["location"].startswith("/signin/enrol")
    assert len(site.entries(Kind.MFA_RESET)) == 1


def test_one_sees_and_ends_ones_own_sessions(site: Site) -> None:
    """Each with a button; this one's leads to the sign-in."""
    here, there = site.browser("198.51.100.7"), site.browser("203.0.113.50")
    here.sign_in(BOB)
    there.sign_in(BOB)
    page = here.get("/account")
    assert "198.51.100.7" in page.text
    assert "203.0.113.50" in page.text
    other = there_id(site, "203.0.113.50")
    assert here.submit(page, f"/account/sessions/{other}/end").headers["location"] == "/account"
    assert there.get("/account").status_code == 303
    assert here.submit(page, f"/account/sessions/{other}/end").status_code == 409
    own = there_id(site, "198.51.100.7")
    assert here.submit(page, f"/account/sessions/{own}/end").headers["location"] == "/signin"
    assert here.get("/account").status_code == 303


def there_id(site: Site, address: str) -> str:
    """The id of the session that began at *address*."""
    started = site.entries(Kind.SIGNED_IN)
    return next(str(entry["detail"]["session"]) for entry in started if entry["address"] == address)


def test_nobody_ends_somebody_elses_session(site: Site) -> None:
    """Its id is worth nothing to others."""
    mine, theirs = site.browser("198.51.100.7"), site.browser("203.0.113.50")
    mine.sign_in(BOB)
    theirs.sign_in(CAROL)
    page = mine.get("/account")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    path = f"/account/sessions/{there_id(site, '203.0.113.50')}/end"
    assert mine.post(path, form_token=token).status_code == 409
    assert theirs.get("/account").status_code == 200


def test_all_sessions_end_with_one_button(site: Site) -> None:
    """This one too."""
    here, there = site.browser(), site.browser()
    here.sign_in(BOB)
    there.sign_in(BOB)
    assert here.submit(here.get("/account"), "/account/end-all").headers["location"] == "/signin"
    assert there.get("/account").status_code == 303


def test_one_sees_and_ends_ones_own_exemptions(site: Site) -> None:
    """With the reason and the end; nobody else's."""
    own, other = site.open(BOB), site.open(CAROL)
    browser = site.browser()
    browser.sign_in(BOB)
    page = browser.get("/account")
    assert "install the build tool" in page.text
    assert other not in page.text
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    assert browser.post(f"/account/exemptions/{other}/end", form_token=token).status_code == 409
    assert browser.submit(page, f"/account/exemptions/{own}/end").headers["location"] == "/account"
    assert "None is open" in browser.get("/account").text
    assert [entry["detail"]["cause"] for entry in site.entries(Kind.EXEMPTION_ENDED)] == ["released"]


def test_text_from_people_is_never_markup(site: Site) -> None:
    """What was typed comes back escaped."""
    browser = site.browser()
    page = browser.submit(browser.get("/signin"), "/signin", username='"><b>x', password="y")
    assert "<b>x" not in page.text
    assert "&lt;b&gt;x" in page.text


def test_another_place_for_notices_is_told_at_the_next_sign_in(site: Site) -> None:
    """Whoever held the session may have added it: the person hears of it, and the address is not shown."""
    site.browser().sign_in(BOB)
    wanted = {"name": "phone", "form": "apprise", "address": "ntfys://ntfy.example/t0psecret"}
    made = site.run(add_channel(site.house, site.visit(BOB), wanted, own=True))
    assert not isinstance(made, Refused), made
    browser = site.browser()
    told = browser.submit(browser.follow(browser.password(BOB)), "/signin/second", totp=site.totp(BOB))
    assert "One more place was added that your notices are sent to" in told.text
    assert "t0psecret" not in told.text
