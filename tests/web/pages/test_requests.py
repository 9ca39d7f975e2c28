"""The requester's side of the pages: asking, every unmet rule at once, what became of it, taking it back."""

import re

import pytest

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.opening import Opening
from ostiary.core.exemptions.request import State
from ostiary.core.exemptions.rule_documents import DEFAULTS
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.exemptions.rules import ShownRules, change_rule
from ostiary.store.requests import Asked
from tests.web.pages.approving import ask, asked, press, settled, signed_in, state
from tests.web.pages.site import ALICE, BOB, CAROL, GROUP, TOOL, Site, hidden

__all__ = ["settled"]

NEW = "/requests/new"


def rule(site: Site, id: str, **changes: object) -> None:
    """The administrator changes a rule."""
    changed = site.run(change_rule(site.house, site.admin(), f"Group_{GROUP}_member", id, changes, "for a test"))
    assert isinstance(changed, ShownRules), changed


def test_a_person_asks_on_a_page_and_sees_what_becomes_of_it(settled: Site) -> None:
    """From the account to the form, to the request, to who decided and why; then it is given back."""
    browser = signed_in(settled, BOB)
    assert 'href="/requests"' in browser.get("/account").text
    page = browser.get(NEW)
    assert re.findall(r'<option value="(\d+)"', page.text) == ["30", "45", "60", "90", "120", "180", "240"]
    assert '<option value="60" selected>' in page.text
    answer = browser.submit(page, NEW, reason="fix INC-4412", length="120", application=TOOL, sign_ins="1")
    own = answer.headers["location"]
    request = asked(settled, own).request
    assert (request.user, request.length, request.limits.application, request.limits.sign_ins) == (
        BOB, hours(2), TOOL, 1,
    )  # fmt: skip
    assert "waits for a decision" in browser.follow(answer).text
    carol = signed_in(settled, CAROL)
    link = own.replace("/requests/", "/approvals/")
    assert link in carol.get("/approvals").text
    press(carol, carol.get(link), "less", reason="known incident", length="30")
    assert "Nothing waits for your decision" in carol.get("/approvals").text
    seen = browser.get(own)
    for said in ("approved, not used yet", "carol@example.com", "known incident", "30 min"):
        assert said in seen.text, said
    assert "approved, not used yet" in browser.get("/requests").text
    assert browser.submit(seen, f"{own}/end").headers["location"] == own
    assert state(settled, own) is State.RELEASED
    assert browser.post(f"{own}/end", **hidden(browser.get("/requests"), "/signout")).status_code == 409


def test_everything_that_the_rules_do_not_allow_is_told_at_once(settled: Site) -> None:
    """And what was typed is still there."""
    asks = ["MultiFactorAuthentication", "Justification", "Ticketing"]
    wants = {"narrowing": ["application", "network"], "ticketPattern": r"INC-\d{4}", "justificationPattern": "INC"}
    rule(settled, "Enablement_EndUser_Assignment", enabledRules=asks, ostiary=wants)
    rule(settled, "Expiration_EndUser_Assignment", maximumDuration="PT1H")
    browser = signed_in(settled, BOB)
    page = browser.get(NEW)
    assert "application, network" in page.text
    refused = browser.submit(page, NEW, reason="because", length="240", ticket="CHG-1", ticket_system="desk")
    assert refused.status_code == 400
    told = re.findall(r"<li>([^<]*)", refused.text)
    assert [text.strip() for text in told] == [
        "The rules allow PT30M to PT1H.",
        "The ticket does not look like INC-\\d{4}.",
        "The rules ask that an exemption is narrowed to this.",
        "The reason must contain INC.",
    ]
    for kept in (">because</textarea>", 'value="CHG-1"', 'value="desk"'):
        assert kept in refused.text
    fields = {"reason": "fix INC-4412", "length": "60", "ticket": "INC-4412", "application": TOOL}
    bad = browser.submit(refused, NEW, **fields, network="203.0.113.9/24")
    assert "no bits set beyond its length" in bad.text
    assert browser.submit(bad, NEW, **fields, network="203.0.113.0/24").status_code == 303


def test_what_cannot_be_read_is_refused_and_never_left_out(settled: Site) -> None:
    """A number that is none would open more if it were dropped; the rest is judged all the same; nobody asked."""
    browser = signed_in(settled, BOB)
    typed = {"length": "an hour", "sign_ins": "one", "network": "here", "scopes": " ".join(map(str, range(65)))}
    refused = browser.submit(browser.get(NEW), NEW, reason="x", **typed)
    assert refused.status_code == 400
    told = [text.strip() for text in re.findall(r"<li>([^<]*)", refused.text)]
    assert told == [
        "A network such as 203.0.113.0/24 is needed, with no bits set beyond its length.",
        "From 1 to 64 scopes.",
        "At least one sign-in.",
        "The rules allow PT30M to PT4H.",
        "A reason of 3 to 512 printable characters is needed.",
    ]
    for length, sign_ins, sentence in (
        ("000060777", "", "The rules allow PT30M to PT4H."), ("60", "1.5", "At least one sign-in."),
        ("60", "5000", "From 1 to 1000 sign-ins."),
    ):  # fmt: skip
        cut = browser.submit(refused, NEW, reason="fix INC-4412", length=length, sign_ins=sign_ins)
        assert [text.strip() for text in re.findall(r"<li>([^<]*)", cut.text)] == [sentence]
    alone = browser.submit(refused, NEW, reason="fix INC-4412", network="here")
    assert [text.strip() for text in re.findall(r"<li>([^<]*)", alone.text)] == told[:1]
    assert settled.entries(Kind.REQUEST_MADE) == []


def test_who_is_not_eligible_is_told_so_before_typing(settled: Site) -> None:
    """No form; and a POST is refused by the deed."""
    browser = signed_in(settled, CAROL)
    page = browser.get(NEW)
    assert "You are not eligible" in page.text
    token = hidden(page, "/signout")
    assert browser.post(NEW, **token, reason="fix INC-4412", length="60").status_code == 400


def test_r3_what_nobody_approves_is_asked_for_with_fresh_proof_and_nothing_typed_is_lost(settled: Site) -> None:
    """Step-up, and back to the form with what was typed."""
    rule(settled, "Approval_EndUser_Assignment", setting={"isApprovalRequired": False, "approvalStages": [],
         "approvalMode": "NoApproval"})  # fmt: skip
    browser = signed_in(settled, BOB)
    settled.clock.move(minutes(6))
    answer = browser.submit(browser.get(NEW), NEW, reason="fix INC-4412", length="90", application=TOOL)
    assert answer.headers["location"] == "/signin/again?return=%2Frequests%2Fnew"
    back = browser.follow(browser.submit(browser.follow(answer), "/signin/again", totp=settled.totp(BOB)))
    for kept in (">fix INC-4412</textarea>", '<option value="90" selected>', f'<option value="{TOOL}" selected>'):
        assert kept in back.text, kept
    own = browser.submit(back, NEW, reason="fix INC-4412", length="90", application=TOOL).headers["location"]
    assert state(settled, own) is State.APPROVED


def test_what_waits_is_taken_back_by_its_own_person_alone(settled: Site) -> None:
    """Others get the answer of an address that is none; a second press says that it does not wait."""
    address = ask(settled)
    own = address.replace("/approvals/", "/requests/")
    carol, bob = signed_in(settled, CAROL), signed_in(settled, BOB)
    assert carol.get(own).status_code == 404
    token = hidden(carol.get("/requests"), "/signout")
    assert carol.post(f"{own}/withdraw", **token).status_code == 404
    assert state(settled, address) is State.REQUESTED
    page = bob.get(own)
    assert bob.submit(page, f"{own}/withdraw").headers["location"] == own
    assert state(settled, address) is State.WITHDRAWN
    assert bob.submit(page, f"{own}/withdraw").status_code == 409
    assert "withdrawn" in bob.get(own).text


def test_two_approvals_are_counted_before_everybody(settled: Site) -> None:
    """`1 of 2`, who was first, and that the first one has nothing left to say."""
    stage = DEFAULTS["Approval_EndUser_Assignment"]["setting"]["approvalStages"][0]
    two = {**stage, "ostiary": {"approvalsNeeded": 2}}
    rule(settled, "Approval_EndUser_Assignment", setting={"approvalStages": [two]})
    settled.change(ALICE, roles=frozenset({Role.ADMINISTRATOR, Role.APPROVER}))
    address = ask(settled)
    carol, alice, bob = signed_in(settled, CAROL), signed_in(settled, ALICE), signed_in(settled, BOB)
    after = carol.follow(press(carol, carol.get(address), "approve", reason="known incident"))
    for said in ("1 of 2", "You have approved it already; others have to.", "carol@example.com"):
        assert said in after.text, said
    assert 'name="verdict"' not in after.text
    assert "you approved it; others are asked" in carol.get("/approvals").text
    assert "1 of 2" in bob.get(address.replace("/approvals/", "/requests/")).text
    second = alice.get(address)
    assert "1 of 2" in second.text
    assert press(alice, second, "approve", reason="agreed", length="").status_code == 303
    assert state(settled, address) is State.APPROVED


def test_an_approver_or_administrator_ends_what_runs(settled: Site) -> None:
    """With a reason, freshly proved; the person whom it was for reads who did it; a stranger does not get there."""
    address = ask(settled)
    carol = signed_in(settled, CAROL)
    page = carol.follow(press(carol, carol.get(address), "approve", reason="known incident"))
    assert address in carol.get("/approvals").text
    refused = press(carol, page, "end")
    assert (refused.status_code, state(settled, address)) == (400, State.APPROVED)
    settled.clock.move(minutes(6))
    stepped = press(carol, page, "end", reason="incident is over")
    assert stepped.headers["location"].startswith("/signin/again")
    back = carol.follow(carol.submit(carol.follow(stepped), "/signin/again", totp=settled.totp(CAROL)))
    assert ">incident is over</textarea>" in back.text
    assert press(carol, back, "end", reason="incident is over").status_code == 303
    exemption = asked(settled, address).exemption
    assert exemption is not None
    assert (exemption.end_cause, exemption.ended_by) == (EndCause.ENDED, f"user:{CAROL}")
    assert "carol@example.com" in signed_in(settled, BOB).get(address.replace("/approvals/", "/requests/")).text
    opened = settled.run(open_exemption(settled.house, settled.admin(), Opening(BOB, hours(1), "by hand")))
    assert not isinstance(opened, Refused)
    by_alice = f"/approvals/{opened.exemption.id}"
    alice = signed_in(settled, ALICE)
    assert by_alice in alice.get("/approvals").text
    assert press(alice, alice.get(by_alice), "end", reason="not needed").status_code == 303
    assert state(settled, by_alice) is State.REVOKED


@pytest.mark.parametrize("who", ["an approver", "its person"])
def test_an_extension_is_decided_and_ended_on_its_own_page(settled: Site, who: str) -> None:
    """It says that it makes another one longer; *End now* there ends that one, and so does *Give it back*."""
    rule(settled, "Expiration_EndUser_Assignment", ostiary={"clock": "approval"})
    address = ask(settled)
    carol = signed_in(settled, CAROL)
    press(carol, carol.get(address), "approve", reason="known incident")
    bob = signed_in(settled, BOB)
    more = f"/account{address.replace('/approvals/', '/exemptions/')}/extend"
    assert "An approver has to say yes" in bob.submit(bob.get(more), more, length="60", reason="still runs").text
    (link,) = re.findall(
        r'href="(/approvals/[^"]+)"><strong><bdi>Bob</bdi></strong> asks', carol.get("/approvals").text
    )
    assert link != address
    page = carol.get(link)
    assert "added to an exemption that runs" in page.text
    ended = carol.follow(press(carol, page, "approve", reason="known incident"))
    if who == "an approver":
        assert press(carol, ended, "end", reason="incident is over").status_code == 303
        assert state(settled, address) is state(settled, link) is State.REVOKED
    else:
        own = link.replace("/approvals/", "/requests/")
        assert bob.submit(bob.get(own), f"{own}/end").headers["location"] == own
        assert state(settled, address) is state(settled, link) is State.RELEASED


def test_the_next_in_the_chain_sees_and_ends_what_they_approved(settled: Site) -> None:
    """Who may end it is one rule for the list, the page and the deed; how long the request waited stays what it was."""
    stage = {
        "primaryApprovers": [{"userId": ALICE}], "isEscalationEnabled": True, "escalationTimeInMinutes": 60,
        "escalationApprovers": [{"userId": CAROL}],
    }  # fmt: skip
    rule(settled, "Approval_EndUser_Assignment", setting={"approvalStages": [stage]})
    address = ask(settled)
    assert signed_in(settled, CAROL).get(address).status_code == 404
    settled.clock.move(minutes(60))
    carol = signed_in(settled, CAROL)
    page = carol.follow(press(carol, carol.get(address), "approve", reason="known incident"))
    assert address in carol.get("/approvals").text
    assert press(carol, page, "end", reason="incident is over").status_code == 303
    assert state(settled, address) is State.REVOKED


def test_a_review_that_is_owed_is_written_in_the_list(settled: Site) -> None:
    """By somebody who did not break the glass, once it is over; it leaves the list then."""
    rule(settled, "Approval_EndUser_Assignment", ostiary={"breakGlass": {"allowed": [{"userId": BOB}]}})
    wish = Wish(reason="mail is down", length=minutes(30), break_glass=True)
    made = settled.run(ask_exemption(settled.house, settled.visit(BOB), wish))
    assert isinstance(made, Asked), made
    address = f"/approvals/{made.request.id}"
    carol = signed_in(settled, CAROL)
    assert "Broken glass without a review" not in carol.get("/approvals").text
    settled.clock.move(minutes(31))
    carol = signed_in(settled, CAROL)
    page = carol.get("/approvals")
    assert "Broken glass without a review" in page.text
    assert "Broken glass" not in signed_in(settled, BOB).get("/approvals").text
    assert carol.submit(page, address, verdict="review", reason="x").status_code == 400
    assert carol.submit(page, address, verdict="review", reason="restarted the mail server").status_code == 303
    assert asked(settled, address).request.review == "restarted the mail server"
    assert "Broken glass" not in carol.get("/approvals").text
    assert "restarted the mail server" in carol.get(address).text
