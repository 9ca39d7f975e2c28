"""The pages before an auditor: the console to look at, and nothing of others to decide."""

from ostiary.core.directory.people import Role
from ostiary.web.pages import PAGES
from ostiary.web.pages.console.navigation import HOME, PLACES
from tests.web.pages.approving import ask, settled, signed_in, state
from tests.web.pages.site import CAROL, Site, hidden

__all__ = ["settled"]


def test_the_console_is_open_to_an_auditor_and_all_else_as_to_anybody(settled: Site) -> None:
    """Every place of the console; outside it none breaks, and none shows more than to a person without a role."""
    paths = [page.path for group in PAGES for page in group if page.get is not None and "{" not in page.path]
    shown = []
    for roles in (frozenset({Role.AUDITOR}), frozenset[Role]()):
        settled.change(CAROL, roles=roles)
        browser = signed_in(settled, CAROL)
        shown.append({path: browser.get(path).status_code for path in paths})
    assert len(paths) > 15
    places = {place.path for place in PLACES}
    assert {path: shown[0][path] for path in places} == dict.fromkeys(places, 200)
    assert all(shown[0][path] == shown[1][path] for path in paths if not path.startswith(HOME))
    assert all(status < 500 for status in shown[0].values()), shown[0]


def test_an_auditor_decides_nothing_on_a_page(settled: Site) -> None:
    """The request of somebody is no page for them, and no form of theirs changes it."""
    here = ask(settled)
    before = state(settled, here)
    settled.change(CAROL, roles=frozenset({Role.AUDITOR}))
    browser = signed_in(settled, CAROL)
    assert browser.get(here).status_code == 404
    account = browser.get("/account")
    assert account.status_code == 200
    for word in ("approve", "deny", "end"):
        answer = browser.post(here, **hidden(account, "/signout"), decision=word, reason="because I can")
        assert answer.status_code in (400, 403, 404), word
    assert state(settled, here) is before
