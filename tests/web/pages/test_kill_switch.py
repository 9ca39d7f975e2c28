"""The kill switch on the pages: administrators are told on every page, and who types a code gets the reason in full."""

from ostiary.core.directory.people import Role
from ostiary.core.words.instants import seconds
from ostiary.services.access.kill_switch import turn_off, turn_on
from tests.web.pages.site import BOB, CAROL, Site

BANNER = "Device sign-ins are stopped"


def test_administrators_see_it_on_every_page_and_nobody_else_does(site: Site) -> None:
    """With the reason and a proposal, both as text; gone when it is off."""
    site.change(CAROL, roles=frozenset({Role.ADMINISTRATOR}))
    chief, person = site.browser(), site.browser()
    chief.sign_in(CAROL)
    person.sign_in(BOB)
    assert BANNER not in chief.get("/account").text
    site.run(turn_on(site.house, site.admin(), "a <b>wave</b>"))
    for path in ("/account", "/devicelogin", "/about"):
        shown = chief.get(path).text
        assert BANNER in shown
        assert "a &lt;b&gt;wave" in shown
        assert BANNER not in person.get(path).text
    site.run(turn_off(site.house, site.visit(CAROL, Role.ADMINISTRATOR), "it is over"))
    assert "another administrator must confirm it" in chief.get("/account").text
    site.run(turn_off(site.house, site.admin(), "it is over"))
    assert BANNER not in chief.get("/account").text


def test_whoever_types_a_code_is_told_why_it_does_not_work(site: Site) -> None:
    """Not "that code is not valid": the sentence, the number and the next step."""
    site.open(BOB)
    browser = site.browser()
    browser.sign_in(BOB)
    code = site.start().user_code
    site.clock.move(seconds(1))
    site.run(turn_on(site.house, site.admin(), "a wave"))
    answer = browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=code)
    assert answer.status_code == 403
    assert "530035" in answer.text
    assert "An administrator has stopped device sign-ins" in answer.text
