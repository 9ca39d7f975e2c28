"""
What the tests of approving on pages share: Bob asks, Carol approves, and a look at what is stored.
"""

import json
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import to_document
from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.request import State, standing
from ostiary.core.signins.view import Asked as AtSignIn
from ostiary.core.signins.view import Claimed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import ExemptionId, SessionId, UserId
from ostiary.core.words.instants import Instant, days, hours
from ostiary.core.words.outcome import Refused
from ostiary.services.access.desk import touch
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.signins.ask import Typed, ask_with_consent
from ostiary.services.signins.claim import claim
from ostiary.services.signins.start import Request, Started, start
from ostiary.store import Tx, requests
from ostiary.store.requests import Asked
from ostiary.store.schema import applications
from ostiary.store.sql import sql
from tests.web.pages.site import BOB, CAROL, TOOL, Browser, Site, actions

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


def at_a_sign_in(site: Site, *, said: str = "build-7") -> str:
    """Bob asks at the page of a device sign-in whose machine calls itself *said*; the address for approvers."""
    tool = replace(site.house.desk.picture.applications[TOOL], exemption_requests=True)
    document = json.dumps(to_document(tool))
    statement = sql(update(applications).where(applications.c.id == TOOL).values(registration=document))

    async def body(tx: Tx) -> None:
        await tx.run(statement)
        await touch(tx, PICTURE)

    site.run(site.house.store.write(body))
    site.run(site.house.desk.reload())
    scope = f"{site.origin}/User.Read offline_access"
    begun = site.run(
        start(site.house, site.visit(address=MACHINE), Request(Shown(TOOL), scope, machine=said, asks="fix INC-4412"))
    )
    assert isinstance(begun, Started), begun
    at_page = site.visit(BOB, address="198.51.100.7")
    browser = replace(at_page, caller=replace(at_page.caller, session=SessionId("s1")))
    claimed = site.run(claim(site.house, browser, begun.user_code))
    assert isinstance(claimed, Claimed), claimed
    answer = site.run(ask_with_consent(site.house, browser, claimed.signin.id, Typed(reason="fix INC-4412")))
    assert isinstance(answer, AtSignIn), answer
    return f"/approvals/{answer.request.id}"


def press(browser: Browser, page: httpx.Response, verdict: str, **fields: str) -> httpx.Response:
    """Press a button of the form on a request's page."""
    return browser.submit(page, actions(page)[-1], verdict=verdict, **fields)
