"""
Approving in real browsers: on a phone without scripts, with a passkey, two approvers at once, and every way in which a
link or a form must decide nothing.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from ostiary.core.exemptions.request import State, standing
from ostiary.core.exemptions.rule_documents import DEFAULTS
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import after, days
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.exemptions.rules import ShownRules, change_rule
from ostiary.store import requests
from ostiary.store.requests import Asked
from ostiary.store.schema import users
from tests.cli.test_terminal import terminal
from tests.clients.test_keys import administrator
from tests.journeys import axe
from tests.journeys.asking import Asking
from tests.journeys.browser import (
    ADD_PASSKEY,
    APPROVE,
    ASK,
    CODE,
    CONTINUE,
    DENY,
    PASSWORD,
    PATIENCE,
    SIGN_IN,
    TOTP,
    USER_NAME,
    Desk,
)
from tests.journeys.test_admin_verbs import at_browser
from tests.journeys.test_cli import code_on, installed
from tests.journeys.test_pages import NARROW, NO_SCRIPT
from tests.journeys.test_passkeys import plugged
from tests.journeys.walk import change, fill, press, register
from tests.server import Server

END = "End now"
LESS = "Approve for less"
NOTHING_HERE = "There is nothing for you to decide here."


@pytest.fixture(scope="module", autouse=True)
def people(server: Server) -> None:
    """Alice and Emil are eligible; Bea and Carl approve, Dana is nobody in particular."""
    visit = administrator(server)
    for name in ("alice", "emil"):
        wanted = Wanted(server.people[name].username, "runs the servers", ends=after(visit.now, days(60)))
        given = server.run(give_eligibility(server.house, visit, wanted))
        assert not isinstance(given, Refused), given
    carl = server.people["carl"].username
    change(server, update(users).where(users.c.principal_name == carl).values(roles='["approver"]'))


@contextmanager
def phone(chromium: Desk, **options: bool) -> Iterator[Page]:
    """A fresh profile on a phone; in the browser's thread only."""
    page = chromium.context(**NARROW, **options).new_page()
    try:
        yield page
    finally:
        page.context.close()


def go(page: Page, server: Server, name: str, path: str) -> None:
    """Open *path* as *name*, who signs in first where that is asked for."""
    person = server.people[name]
    page.goto(server.origin + path)
    if page.get_by_label(USER_NAME, exact=True).count():
        page.get_by_label(USER_NAME, exact=True).fill(person.username)
        page.get_by_label(PASSWORD, exact=True).fill(person.password)
        press(page, SIGN_IN)
        page.get_by_label(TOTP, exact=True).fill(person.totp())
        press(page, CONTINUE)
        onward = page.get_by_role("link", name=CONTINUE, exact=True)
        if onward.count():  # a passkey was added: said once
            onward.click()
    assert page.url == server.origin + path, page.url
    assert axe.too_wide(page) <= 0


def ask(page: Page, server: Server, reason: str = "fix INC-4412") -> str:
    """Alice asks for two hours; the path for her approvers."""
    go(page, server, "alice", "/requests/new")
    fill(page, reason=reason)
    page.get_by_label("How long").select_option("120")
    press(page, "Ask")
    return page.url.removeprefix(server.origin).replace("/requests/", "/approvals/")


def asked(server: Server, path: str) -> Asked:
    """The request behind *path*, as it is stored."""
    found = server.run(server.house.store.read(lambda tx: requests.show(tx, ExemptionId(path.rpartition("/")[2]))))
    assert found is not None
    return found


def state(server: Server, path: str) -> State:
    """Where it stands."""
    found = asked(server, path)
    return standing(found.request, found.exemption, server.clock.now())


def again(page: Page, server: Server, name: str) -> None:
    """The second factor, once more."""
    page.get_by_label(TOTP, exact=True).fill(server.people[name].totp())
    press(page, CONTINUE)


def test_the_requesters_terminal_goes_on_when_somebody_approves_on_a_phone(
    server: Server, chromium: Desk, tmp_path: Path
) -> None:
    """Asked in a terminal, found in the list, approved for less on the page; the terminal says who and for how long."""
    emil = at_browser(server, chromium, "emil", tmp_path)

    def story() -> None:
        with phone(chromium, **NO_SCRIPT) as bea:
            go(bea, server, "bea", "/approvals")
            bea.get_by_role("link", name="Emil Engineer asks for 2 h").click()
            bea.get_by_label("Why").fill("known incident")
            bea.get_by_label("How long").select_option("45")
            press(bea, LESS)

    with terminal(emil.program, "exemption", "request", "--for", "2h", "--reason", "fix INC-4412") as screen:
        screen.wait_for("Approvers decide it.")
        chromium.run(story)
        assert screen.end() == 0, screen.seen
    assert "Approved (approved by bea@ostiary.example): PT45M from the first sign-in" in screen.seen


def test_one_code_goes_on_when_its_approver_has_seen_the_machine_on_a_phone(
    server: Server, chromium: Desk, tmp_path: Path
) -> None:
    """Asked with the code itself: the page shows the machine that waits; after *Approve* the terminal is signed in."""
    register(server, exemption_requests=True)
    program = installed(server, tmp_path)
    with terminal(program, "login", "--device-code", "--reason", "fix INC-4412") as screen:
        code = code_on(screen)

        def story() -> None:
            with phone(chromium, **NO_SCRIPT) as alice, phone(chromium, **NO_SCRIPT) as bea:
                go(alice, server, "alice", "/devicelogin")
                alice.get_by_label(CODE, exact=True).fill(code)
                press(alice, CONTINUE)
                press(alice, ASK)
                go(bea, server, "bea", "/approvals")
                bea.get_by_role("link", name="Alice Engineer asks for").click()
                machine = bea.locator("tr", has=bea.get_by_role("rowheader", name="Waits for it"))
                expect(machine).to_contain_text("on a machine at 127.0.0.1")
                expect(machine).to_contain_text("from the person: at the same address")
                assert axe.too_wide(bea) <= 0
                bea.get_by_label("Why").fill("known incident")
                press(bea, APPROVE)

        chromium.run(story)
        assert screen.end() == 0, screen.seen
    server.end_exemptions("alice")


def test_on_a_phone_without_scripts_from_the_link_to_the_end(server: Server, chromium: Desk) -> None:
    """Sign-in, back to the link, old proof renewed with a code, nothing typed twice; Alice signs in; then *End now*."""

    def story() -> None:
        with phone(chromium, **NO_SCRIPT) as alice, phone(chromium, **NO_SCRIPT) as bea:
            path = ask(alice, server)
            go(bea, server, "bea", path)
            expect(bea.locator(".odd")).to_contain_text("They were made eligible")
            server.pass_time(6 * 60)
            bea.get_by_label("Why").fill("known incident")
            bea.get_by_label("or so many minutes").fill("50")
            press(bea, LESS)
            assert "/signin/again" in bea.url
            assert "incident" not in bea.url
            again(bea, server, "bea")
            expect(bea.get_by_label("Why")).to_have_value("known incident")
            expect(bea.get_by_label("or so many minutes")).to_have_value("50")
            assert state(server, path) is State.REQUESTED
            press(bea, LESS)
            assert axe.too_wide(bea) <= 0
            expect(bea.get_by_role("heading", level=1)).to_have_text("Request: approved, not used yet")
            alice.get_by_role("link", name="Look again").click()
            expect(alice.locator("main")).to_contain_text("bea@ostiary.example approved for 50 min")
            machine = Asking(server)
            go(alice, server, "alice", "/devicelogin")
            alice.get_by_label(CODE, exact=True).fill(machine.user_code)
            press(alice, CONTINUE)
            press(alice, APPROVE)
            if "/signin/again" in alice.url:
                again(alice, server, "alice")
                press(alice, APPROVE)
            assert machine.outcome() == "access_token"
            assert state(server, path) is State.ACTIVE
            bea.reload()
            bea.get_by_label("Why it ends now").fill("incident is over")
            press(bea, END)
            assert state(server, path) is State.REVOKED

    chromium.run(story)


def test_a_passkey_renews_the_proof(server: Server, chromium: Desk) -> None:
    """With a script, on the way of the same form; what was typed is there again, and nothing is complained of."""

    def story() -> None:
        with phone(chromium) as alice, plugged(chromium) as key:
            path = ask(alice, server)
            page = key.page
            page.set_viewport_size({"width": 360, "height": 640})
            go(page, server, "bea", "/account/passkeys")
            press(page, ADD_PASSKEY)
            server.pass_time(6 * 60)
            go(page, server, "bea", path)
            page.get_by_label("Why").fill("not from that network")
            press(page, DENY)
            press(page, "Use a passkey")
            assert page.url == server.origin + path
            expect(page.get_by_label("Why")).to_have_value("not from that network")
            press(page, DENY)
            expect(page.get_by_role("heading", level=1)).to_have_text("Request: denied")
            assert [(d.name, d.approved) for d in asked(server, path).request.decisions] == [
                ("bea@ostiary.example", False)
            ]
            assert key.complaints == []

    chromium.run(story)


def test_of_two_approvers_in_two_browsers_one_is_first(server: Server, chromium: Desk) -> None:
    """Both press at the same moment: one decision, and the other one is told whose."""

    def story() -> None:
        with phone(chromium) as alice, phone(chromium) as bea, phone(chromium) as carl:
            path = ask(alice, server)
            for name, page in (("bea", bea), ("carl", carl)):
                go(page, server, name, path)
                page.get_by_label("Why").fill(f"{name} says so")
            bea.get_by_role("button", name=APPROVE, exact=True).click(no_wait_after=True)
            carl.get_by_role("button", name=DENY, exact=True).click(no_wait_after=True)
            for page in (bea, carl):
                expect(page.get_by_role("heading", level=1)).to_contain_text("Request:", timeout=PATIENCE)
            (decision,) = asked(server, path).request.decisions
            late = carl if decision.name.startswith("bea") else bea
            said = "approved" if decision.approved else "denied"
            expect(late.get_by_role("alert")).to_have_text(f"It was {said} already by {decision.name}.")

    chromium.run(story)


def test_a_double_tap_decides_once(server: Server, chromium: Desk) -> None:
    """Whatever of the two the browser shows in the end, one decision stands."""

    def story() -> None:
        with phone(chromium) as alice, phone(chromium) as bea:
            path = ask(alice, server)
            go(bea, server, "bea", path)
            bea.get_by_label("Why").fill("known incident")
            bea.get_by_role("button", name=APPROVE, exact=True).dblclick(no_wait_after=True)
            expect(bea.get_by_role("heading", level=1)).to_have_text(
                "Request: approved, not used yet", timeout=PATIENCE
            )
            bea.go_back()
            bea.reload()
            expect(bea.get_by_role("button", name=APPROVE, exact=True)).to_have_count(0)
            assert len(asked(server, path).request.decisions) == 1

    chromium.run(story)


def test_a_second_approver_makes_it_two_of_two(server: Server, chromium: Desk) -> None:
    """`1 of 2` for everybody, the first one may not say it again, the second one opens it."""
    stage = DEFAULTS["Approval_EndUser_Assignment"]["setting"]["approvalStages"][0]
    approvals_needed(server, {**stage, "ostiary": {"approvalsNeeded": 2}})

    def story() -> None:
        with phone(chromium) as alice, phone(chromium) as bea, phone(chromium) as carl:
            path = ask(alice, server)
            go(bea, server, "bea", path)
            bea.get_by_label("Why").fill("known incident")
            press(bea, APPROVE)
            expect(bea.get_by_role("status")).to_have_text("You have approved it already; others have to.")
            go(carl, server, "carl", path)
            expect(carl.locator("main")).to_contain_text("1 of 2")
            expect(carl.locator("main")).to_contain_text("bea@ostiary.example approved")
            carl.get_by_label("Why").fill("agreed")
            press(carl, APPROVE)
            assert state(server, path) is State.APPROVED

    chromium.run(story)
    approvals_needed(server, stage)


def approvals_needed(server: Server, stage: object) -> None:
    policy = f"Group_{server.house.desk.picture.exception_group}_member"
    changes = {"setting": {"approvalStages": [stage]}}
    rule = change_rule(
        server.house, administrator(server), policy, "Approval_EndUser_Assignment", changes, "for a test"
    )
    assert isinstance(server.run(rule), ShownRules)


def _forwarded(server: Server, chromium: Desk, path: str) -> None:
    """The link reached somebody who is no approver, and Alice herself."""
    for name in ("dana", "alice"):
        with phone(chromium) as page:
            go(page, server, name, path)
            expect(page.get_by_role("alert")).to_contain_text(NOTHING_HERE)
            expect(page.get_by_role("button", name=APPROVE, exact=True)).to_have_count(0)
            assert "INC-4412" not in page.content()


def _expired(server: Server, chromium: Desk, path: str) -> None:
    """The session ended between the page and the button."""
    with phone(chromium, **NO_SCRIPT) as bea:
        go(bea, server, "bea", path)
        bea.get_by_label("Why").fill("known incident")
        server.pass_time(31 * 60)
        press(bea, APPROVE)
        assert "/signin?return=" in bea.url
        assert state(server, path) is State.REQUESTED
        bea.get_by_label(USER_NAME, exact=True).fill(server.people["bea"].username)
        bea.get_by_label(PASSWORD, exact=True).fill(server.people["bea"].password)
        press(bea, SIGN_IN)
        again(bea, server, "bea")
        assert bea.url == server.origin + path
        expect(bea.get_by_label("Why")).to_have_value("known incident")


def _replayed(server: Server, chromium: Desk, path: str) -> None:
    """A form that was saved is sent again by a session that came later, and by no browser of ours."""
    with phone(chromium) as bea:
        go(bea, server, "bea", path)
        fields = bea.locator("form.verdict input[type=hidden]").evaluate_all("all => all.map(e => [e.name, e.value])")
        cookies = {each["name"]: each["value"] for each in bea.context.cookies()}
        press(bea, "Sign out")
    form = {**dict(fields), "verdict": "approve", "reason": "known incident"}
    with client(server, cookies=cookies) as replay:
        for headers in ({}, {"origin": server.origin}, {"origin": "https://evil.example"}):
            assert replay.post(path, data=form, headers=headers).status_code in (303, 403)


def _scanned(server: Server, chromium: Desk, path: str) -> None:
    """A mail scanner without cookies, a preview by HEAD, a browser that fetches ahead."""
    with client(server) as scanner:
        for method in ("GET", "HEAD"):
            for headers in ({}, {"sec-purpose": "prefetch"}, {"purpose": "prefetch"}):
                answer = scanner.request(method, path, headers=headers, follow_redirects=True)
                assert (answer.status_code, answer.url.path) == (200, "/signin")
                assert "INC-4412" not in answer.text
    with phone(chromium) as bea:
        go(bea, server, "bea", "/approvals")
        ahead = "path => fetch(path, {headers: {purpose: 'prefetch'}}).then(answer => answer.status)"
        assert bea.evaluate(ahead, path) == 200


@contextmanager
def client(server: Server, cookies: dict[str, str] | None = None) -> Iterator[httpx.Client]:
    """Something that speaks HTTP and is no browser."""
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    with httpx.Client(base_url=server.origin, verify=trust, cookies=cookies) as made:
        yield made


@pytest.mark.parametrize("attempt", [_forwarded, _expired, _replayed, _scanned], ids=lambda each: each.__name__[1:])
def test_nothing_but_an_approver_who_presses_a_button_decides(
    server: Server, chromium: Desk, attempt: Callable[[Server, Desk, str], None]
) -> None:
    """A forwarded link, a session that ended, a replay, a mail scanner: the request waits as before."""

    def story() -> None:
        with phone(chromium) as alice:
            path = ask(alice, server)
            before = asked(server, path)
            attempt(server, chromium, path)
            assert asked(server, path) == before
            go(alice, server, "alice", path.replace("/approvals/", "/requests/"))
            press(alice, "Withdraw it")

    chromium.run(story)
