"""The pages before an auditor: all that everybody sees of themselves, and nothing of others to decide."""

from ostiary.core.directory.people import Role
from ostiary.web.pages import PAGES
from tests.web.pages.approving import ask, settled, signed_in, state
from tests.web.pages.site import CAROL, Site, hidden

__all__ = ["settled"]


def test_every_page_answers_an_auditor_as_anybody(settled: Site) -> None:
    """None breaks, none shows more than to a person without a role: what auditors read is the API's."""
    paths = [page.path for group in PAGES for page in group if page.get is not None and "{" not in page.path]
    shown = []
    for roles in (frozenset({Role.AUDITOR}), frozenset[Role]()):
        settled.change(CAROL, roles=roles)
        browser = signed_in(settled, CAROL)
        shown.append({path: browser.get(path).status_code for path in paths})
    assert len(paths) > 15
    assert shown[0] == shown[1]
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
