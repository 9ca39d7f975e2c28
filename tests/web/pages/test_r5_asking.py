"""The page of somebody blocked who may ask (R5, R11): one form that consents and asks, and what it says afterwards."""

import html
import json
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.directory.applications import to_document
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.proof import Proof
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.rotation import ensure_keys
from ostiary.services.tokens.token import TokenForm, grant
from tests.web.pages.approving import settled, signed_in
from tests.web.pages.site import BOB, CAROL, TOOL, Browser, Site, actions, hidden

__all__ = ["settled"]

WHY = "fix INC-4412"
KEY = "k" * 43


def may_ask(site: Site, allowed: bool) -> None:
    """Whether the tool's sign-ins may ask for exemptions."""
    document = to_document(replace(site.house.desk.picture.applications[TOOL], exemption_requests=allowed))
    with sqlite3.connect(site.house.settings.data / "ostiary.db") as db:
        db.execute("UPDATE applications SET registration = ? WHERE id = ?", (json.dumps(document), TOOL))
        db.execute("UPDATE versions SET number = number + 1 WHERE name = 'picture'")
    site.run(site.house.desk.reload())


@pytest.fixture
def site(settled: Site) -> Site:
    """Bob is eligible, Carol approves, and the tool may ask."""
    may_ask(settled, True)
    settled.run(ensure_keys(settled.house, settled.visit()))
    return settled


def begin(site: Site, **more: Any) -> Started:
    """A machine with a key asks for a code, and for an exemption."""
    asked = Request(**{
        "client": Shown(TOOL), "scope": f"{site.origin}/User.Read offline_access", "asks": WHY, "dpop_jkt": KEY, **more,
    })  # fmt: skip
    started = site.run(start(site.house, site.visit(), asked))
    assert isinstance(started, Started), started
    return started


def poll(site: Site, started: Started) -> Issued | Refused:
    """The machine asks how it stands."""
    visit = replace(site.visit(), proof=Proof(jkt=KEY))
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    form = TokenForm(grant_type=kind, client=Shown(TOOL), device_code=started.device_code)
    return site.run(grant(site.house, visit, form))


def at_page(browser: Browser, started: Started) -> str:
    """Type the code; the path of the page."""
    answer = browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=started.user_code)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_r5_one_form_with_deny_first_names_the_rule_and_is_filled_in(site: Site) -> None:
    """The rule, the reason, the length, the ticket; one form that denies first; then the page waits with its person."""
    browser, started = signed_in(site, BOB), begin(site, length="PT2H", reference="INC-4412")
    path = at_page(browser, started)
    page = browser.get(path)
    for shown in ("Block device code flow", f">{WHY}</textarea>", '<option value="120" selected>', 'value="INC-4412"'):
        assert shown in page.text
    assert path in actions(page)
    form = page.text.partition(f'action="{path}"')[2].partition("</form>")[0]
    assert form.index(f'formaction="{path}/deny"') < form.index("Say yes and ask")
    answer = browser.submit(page, path, reason=WHY, length="45", ticket="INC-4412")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    waiting = browser.get(path)
    assert "Waiting for an approval" in waiting.text
    told = poll(site, started)
    assert isinstance(told, Refused)
    assert told.told["ostiary_page"].endswith(path)
    assert f'href="{path}"' in browser.get(f"/requests/{told.told['ostiary_request']}").text
    decided = decide_request(site.house, site.visit(CAROL), told.told["ostiary_request"], Verdict(True, "known"))
    assert not isinstance(site.run(decided), Refused)
    assert isinstance(poll(site, started), Issued)


def test_r5_deny_and_taking_it_back_end_the_sign_in_and_the_request(site: Site) -> None:
    """Deny before; *take it back* while it waits: the machine is told, and nothing is left to approve."""
    browser, started = signed_in(site, BOB), begin(site)
    path = at_page(browser, started)
    page = browser.get(path)
    denied = browser.post(f"{path}/deny", **hidden(page, path), reason="", length="60", ticket="")
    assert ">Denied<" in denied.text
    path = at_page(browser, started := begin(site))
    browser.submit(browser.get(path), path, reason=WHY, length="60", ticket="")
    waiting = browser.get(path)
    taken = browser.submit(waiting, f"{path}/deny")
    assert ">Denied<" in taken.text
    assert "withdrawn" in browser.get(path).text
    told = poll(site, started)
    assert isinstance(told, Refused)
    assert told.told["ostiary_state"] == "exemption_withdrawn"


def test_every_rule_that_is_not_kept_is_shown_and_what_was_typed_stays(site: Site) -> None:
    """A reason and a length that the rules do not allow: both are told above the form, which is still filled in."""
    browser = signed_in(site, BOB)
    path = at_page(browser, begin(site))
    answer = browser.submit(browser.get(path), path, reason="x", length="600", ticket="")
    assert answer.status_code == 400
    said = html.unescape(answer.text)
    told = "The rules allow PT30M to PT4H. A reason of 3 to 512 printable characters is needed."
    assert f'id="trouble"><p>{told}</p>' in said
    assert ">x</textarea>" in said
    for length in ("an hour", "000060777", "1441", "0"):
        unread = browser.submit(answer, path, reason=WHY, length=length, ticket="")
        assert (unread.status_code, "Say for how many minutes." in unread.text) == (400, True), length
    assert site.entries(Kind.REQUEST_MADE) == []
    forged = browser.post(path, reason=WHY, length="60")
    assert forged.status_code == 403


def test_r16_proof_that_is_too_old_is_asked_for_again_and_nothing_is_typed_twice(site: Site) -> None:
    """R5: fresh MFA as for any consent; the form is there again, filled in."""
    browser = signed_in(site, BOB)
    site.clock.move(minutes(4.9))
    path = at_page(browser, begin(site))
    page = browser.get(path)
    site.clock.move(minutes(1))
    answer = browser.submit(page, path, reason="another reason", length="60", ticket="")
    assert answer.headers["location"].startswith("/signin/again")
    again = browser.follow(answer)
    proved = browser.submit(again, "/signin/again", totp=site.totp(BOB))
    assert ">another reason</textarea>" in browser.follow(proved).text


def test_r5_a_late_approval_is_confirmed_on_the_page_in_another_browser(site: Site) -> None:
    """The page says why it asks once more; the account cannot be changed any more."""
    browser, started = signed_in(site, BOB), begin(site)
    path = at_page(browser, started)
    browser.submit(browser.get(path), path, reason=WHY, length="60", ticket="")
    told = poll(site, started)
    assert isinstance(told, Refused)
    site.clock.move(minutes(31))
    site.run(decide_request(site.house, site.visit(CAROL), told.told["ostiary_request"], Verdict(True, "known")))
    other = signed_in(site, BOB)
    page = other.get(path)
    assert "too late for your first yes" in page.text
    assert f"{path}/change" not in actions(page)
    assert ">Approved<" in other.submit(page, f"{path}/approve").text
    assert isinstance(poll(site, started), Issued)
    assert "too late" not in signed_in(site, CAROL).get(path).text


def test_r11_somebody_eligible_is_told_how_to_ask_where_the_page_cannot(site: Site) -> None:
    """Without `exemption_requests` the page explains the block, the command and where to ask; the code stays."""
    started = begin(site)
    may_ask(site, False)
    browser = signed_in(site, BOB)
    page = browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=started.user_code)
    assert page.status_code == 403
    assert "ostiary exemption request" in page.text
    assert 'href="/requests/new"' in page.text
