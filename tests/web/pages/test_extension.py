"""Asking for more time on a page: in a browser, freshly proved, for one's own exemption that runs (R3)."""

from ostiary.core.words.instants import Instant, days, minutes
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from tests.web.pages.site import BOB, CAROL, Site


def test_r3_more_time_is_asked_for_in_a_browser_that_proved_it_freshly(site: Site) -> None:
    """The page of one's own; the rules say what may be had; later than five minutes the factor is asked for again."""
    id = site.open(BOB)
    address = f"/account/exemptions/{id}/extend"
    browser, other = site.browser(), site.browser()
    other.sign_in(CAROL)
    assert other.get(address).status_code in (403, 404)
    browser.sign_in(BOB)
    assert address in browser.get("/account").text
    page = browser.get(address)
    assert "install the build tool" in page.text
    refused = browser.submit(page, address, length="60", reason="restore still runs")
    assert refused.status_code == 400
    assert "eligible" in refused.text
    ends = Instant(site.clock.now() + days(30))
    given = site.run(give_eligibility(site.house, site.admin(), Wanted(BOB, "runs the servers", ends=ends)))
    assert not isinstance(given, Refused)
    wrong = browser.submit(page, address, length="60", reason="x")
    assert wrong.status_code == 400
    assert "A reason of 3 to 512" in wrong.text
    for length in ("000060777", "an hour", ""):
        unread = browser.submit(page, address, length=length, reason="restore still runs")
        assert (unread.status_code, "Say for how many minutes." in unread.text) == (400, True), length
    asked = browser.submit(page, address, length="60", reason="restore still runs")
    assert asked.status_code == 200
    assert "An approver has to say yes" in asked.text
    (made,) = site.entries("user:request:made")
    assert (made["detail"]["target"], made["detail"]["act"]) == (id, "selfExtend")
    site.clock.move(minutes(6))
    late = browser.submit(page, address, length="30", reason="and once more")
    assert late.status_code == 303
    assert late.headers["location"].startswith("/signin/again")
    assert browser.get("/account/exemptions/nothing/extend").status_code in (403, 404)
