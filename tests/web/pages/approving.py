"""
What the tests of approving on pages share: Bob asks, Carol approves, and a look at what is stored.
"""

import httpx
import pytest

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.request import State, standing
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant, days, hours
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.store import requests
from ostiary.store.requests import Asked
from tests.web.pages.site import BOB, CAROL, Browser, Site, actions

MACHINE = "203.0.113.77"


def ask(site: Site, user: UserId = BOB, **wish: object) -> str:
    """*user* asks; the address of the page for approvers."""
    wished = Wish(**{"reason": "fix INC-4412", "length": hours(2), **wish})  # type: ignore[arg-type]
    found = site.run(ask_exemption(site.house, site.visit(user, address=MACHINE), wished))
    assert isinstance(found, Asked), found
    return f"/approvals/{found.request.id}"


def asked(site: Site, address: str) -> Asked:
    """The request behind *address*, as it is stored."""
    found = site.run(site.house.store.read(lambda tx: requests.show(tx, ExemptionId(address.rpartition("/")[2]))))
    assert found is not None
    return found


def state(site: Site, address: str) -> State:
    """Where it stands."""
    found = asked(site, address)
    return standing(found.request, found.exemption, site.clock.now())


@pytest.fixture
def settled(site: Site) -> Site:
    """Bob is eligible; Carol approves."""
    ends = Instant(site.clock.now() + days(30))
    given = site.run(give_eligibility(site.house, site.admin(), Wanted(BOB, "runs the servers", ends=ends)))
    assert not isinstance(given, Refused)
    site.change(CAROL, roles=frozenset({Role.APPROVER}))
    return site


def signed_in(site: Site, user: UserId) -> Browser:
    """A browser of *user*, freshly proved."""
    browser = site.browser()
    assert browser.sign_in(user).status_code == 303
    return browser


def press(browser: Browser, page: httpx.Response, verdict: str, **fields: str) -> httpx.Response:
    """Press a button of the form on a request's page."""
    return browser.submit(page, actions(page)[-1], verdict=verdict, **fields)
