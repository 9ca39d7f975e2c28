"""The console in a real browser: an administrator and an auditor at work, with script and without."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import update

from ostiary.core.detections.finding import Finding, Severity
from ostiary.core.directory.people import Role
from ostiary.services.detections.read import keep
from ostiary.store import Tx, directory
from ostiary.store.schema import users
from ostiary.web.pages.console.navigation import PLACES
from tests.journeys.asking import Asking
from tests.journeys.browser import APPROVE, CODE, CONTINUE, PATIENCE, SIGN_OUT, TOTP, Desk
from tests.journeys.walk import become, change, press
from tests.server import Server

MINUTES = 60


@contextmanager
def window(chromium: Desk, server: Server, name: str, *, script: bool = True) -> Iterator[Page]:
    """A fresh browser in which *name* has signed in; in the browser's own thread."""
    context = chromium.context(java_script_enabled=script)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    become(page, server, name)
    yield page
    context.close()
    assert complaints == []


def mark(page: Page) -> None:
    """What a reload would take away."""
    page.evaluate("window.mark = 1")


def marked(page: Page) -> bool:
    """Whether the page was not reloaded since."""
    return bool(page.evaluate("window.mark === 1"))


def test_an_administrator_sees_what_happens_without_a_reload_and_ends_it(server: Server, chromium: Desk) -> None:
    """
    An exemption is opened elsewhere, and stands on the page; *End now* asks for a reason and for fresh proof (R3), and
    has kept the reason; the sign-in log tells what came of it.
    """

    def story() -> None:
        with window(chromium, server, "bea") as page:
            page.goto(server.origin + "/console")
            expect(page.get_by_text("Nobody: signing in with a device code is closed for everybody.")).to_be_visible()
            expect(page.get_by_text("This page keeps itself up to date.")).to_be_visible(timeout=PATIENCE)
            mark(page)
            page.locator("#hours-table summary").click()
            server.open_exemption("alice")
            link = page.get_by_role("link", name="End now: the exemption of Alice Engineer")
            expect(link).to_be_visible(timeout=PATIENCE)
            Asking(server)
            expect(page.locator("#home .things .tag", has_text="under way").first).to_be_visible(timeout=PATIENCE)
            expect(page.locator("#hours-table")).to_have_attribute("open", "")
            assert marked(page)
            server.pass_time(6 * MINUTES)
            link.click()
            page.get_by_label("Why it ends now").fill("the work is done")
            press(page, "End now")
            page.get_by_label(TOTP, exact=True).fill(server.people["bea"].totp())
            press(page, CONTINUE)
            expect(page.get_by_label("Why it ends now")).to_have_value("the work is done")
            press(page, "End now")
            expect(page.locator(".lead .tag").first).to_have_text("over")
            expect(page.get_by_role("button", name="End now")).to_have_count(0)

    chromium.run(story)


def test_an_administrator_says_what_a_finding_is(server: Server, chromium: Desk) -> None:
    """
    It stands on the first page without a reload, leads to all that is known of it, and is confirmed with fresh proof
    (R3), before which the reason is kept; its person is risky then, until that is dismissed.
    """
    user = server.run(server.house.store.read(lambda tx: directory.find_named(tx, server.people["dana"].username)))
    assert user is not None

    async def found(tx: Tx) -> bool:
        now = server.house.clock.now()
        finding = Finding("planted", "reported", Severity.HIGH, now, "Planted in a journey.", "n1.1", user=user.id)
        return await keep(tx, server.visit(), finding)

    def story() -> None:
        with window(chromium, server, "bea") as page:
            page.goto(server.origin + "/console")
            expect(page.get_by_text("This page keeps itself up to date.")).to_be_visible(timeout=PATIENCE)
            mark(page)
            server.run(server.house.store.write(found))
            link = page.get_by_role("link", name="Planted in a journey.")
            expect(link).to_be_visible(timeout=PATIENCE)
            assert marked(page)
            server.pass_time(6 * MINUTES)
            link.click()
            page.get_by_label("Why you say so").fill("she called us")
            press(page, "Confirm")
            page.get_by_label(TOTP, exact=True).fill(server.people["bea"].totp())
            press(page, CONTINUE)
            expect(page.get_by_label("Why you say so")).to_have_value("she called us")
            press(page, "Confirm")
            expect(page.get_by_text("It was confirmed.")).to_be_visible()
            page.goto(server.origin + "/console/findings/people")
            page.get_by_role("link", name="Dana").click()
            page.get_by_label("Why you say so").fill("it was a rehearsal")
            press(page, "Dismiss")
            expect(page.get_by_text("Nothing makes this person risky now.")).to_be_visible()

    chromium.run(story)


def test_a_list_is_filtered_paged_and_exported(server: Server, chromium: Desk, tmp_path: Path) -> None:
    """The list changes in its place, the address with it, and going back shows what was there before."""

    def story() -> None:
        with window(chromium, server, "otto") as page:
            page.goto(server.origin + "/console/people")
            mark(page)
            page.get_by_label("Name or user name").fill("ali")
            page.get_by_role("button", name="Show").click()
            expect(page.locator(".list tbody tr")).to_have_count(1)
            assert page.url.endswith("/console/people?q=ali&role=&account=")
            assert marked(page)
            with page.expect_download() as waiting:
                page.get_by_role("link", name="CSV").click()
            waiting.value.save_as(tmp_path / "people.csv")
            lines = list(csv.DictReader(io.StringIO((tmp_path / "people.csv").read_text(encoding="utf-8"))))
            assert [line["userPrincipalName"] for line in lines] == [server.people["alice"].username]
            page.go_back()
            expect(page.locator(".list tbody tr")).to_have_count(len(server.people))
            page.get_by_role("link", name="Alice Engineer").click()
            page.get_by_role("link", name="Sign-ins of this person").click()
            expect(page.get_by_label("User name, address or reference")).to_have_value(server.people["alice"].username)

    chromium.run(story)


def test_an_auditor_reads_one_story_and_can_press_nothing(server: Server, chromium: Desk) -> None:
    """From the log to one sign-in with its steps; the one button on any page signs out."""

    def story() -> None:
        with window(chromium, server, "otto") as page:
            for place in PLACES:
                page.goto(server.origin + place.path)
                expect(page.get_by_role("heading", level=1)).to_have_text(place.title)
                buttons = [each for each in page.get_by_role("button").all_inner_texts() if each != "Show"]
                assert buttons == [SIGN_OUT]
                assert page.get_by_role("link", name="End now").count() == 0
            page.goto(server.origin + "/console/signins?q=otto")
            page.locator(".list tbody a").first.click()
            expect(page.get_by_text("The person signed in with every factor.")).to_be_visible()

    chromium.run(story)


def test_approvers_see_what_they_decide_and_others_nothing(server: Server, chromium: Desk) -> None:
    """
    Not by a link, and not by its address: the first page leads to what is theirs, and the others say that they may
    not, and show nothing of what lies behind.
    """
    approver = update(users).where(users.c.principal_name == server.people["fay"].username)
    change(server, approver.values(roles=json.dumps([Role.APPROVER])))

    def story() -> None:
        for name, home, opened in (
            ("fay", "/approvals", {"/console/requests", "/console/exemptions"}),
            ("alice", "/account", set()),
        ):
            page = chromium.context().new_page()
            become(page, server, name)
            page.goto(server.origin + PLACES[0].path)
            assert page.url == server.origin + home
            for place in PLACES[1:]:
                answer = page.goto(server.origin + place.path)
                assert answer is not None
                assert answer.status == (200 if place.path in opened else 403), (name, place)
                shown = set(page.locator('nav a[href^="/console/"]').evaluate_all("all => all.map(a => a.pathname)"))
                assert shown == (opened if place.path in opened else set())
                if place.path not in opened:
                    expect(page.get_by_role("heading", level=1)).not_to_have_text(place.title)
                    assert page.locator("table, .things, form.filters").count() == 0
            page.context.close()

    chromium.run(story)


def test_who_was_signed_out_elsewhere_sees_nothing_more(server: Server, chromium: Desk) -> None:
    """The stream ends with the session, and the page leads to the sign-in by itself."""

    def story() -> None:
        with window(chromium, server, "otto") as page:
            page.goto(server.origin + "/console/signins")
            expect(page.get_by_text("This page keeps itself up to date.")).to_be_visible(timeout=PATIENCE)
            other = page.context.new_page()
            other.goto(server.origin + "/account")
            press(other, SIGN_OUT)
            page.bring_to_front()
            page.wait_for_url("**/signin?return=*", timeout=PATIENCE)

    chromium.run(story)


def test_what_changed_while_the_stream_was_away_is_shown_when_it_is_back(server: Server, chromium: Desk) -> None:
    """A stream that was refused is opened anew after a while, and the page asks for what it has missed."""

    def story() -> None:
        context = chromium.context()
        page = context.new_page()
        become(page, server, "otto")
        page.route("**/console/events", lambda route: route.fulfill(status=503))
        page.goto(server.origin + "/console/exemptions")
        expect(page.get_by_text("This page is not kept up to date just now")).to_be_visible(timeout=PATIENCE)
        mark(page)
        server.open_exemption("dana")
        expect(page.get_by_text("Dana")).to_have_count(0)
        page.unroute("**/console/events")
        expect(page.locator("#list").get_by_text("Dana").first).to_be_visible(timeout=PATIENCE)
        assert marked(page)
        context.close()

    chromium.run(story)
    server.end_exemptions("dana")


def test_the_console_works_without_script(server: Server, chromium: Desk) -> None:
    """Filters, pages and ending are forms and links; the first page reloads itself, a list only when asked to."""
    server.open_exemption("dana")

    def story() -> None:
        with window(chromium, server, "bea", script=False) as page:
            page.goto(server.origin + "/console")
            assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
            page.goto(server.origin + "/console/people")
            assert page.locator("noscript meta[http-equiv=refresh]").count() == 0
            page.get_by_label("Name or user name").fill("ali")
            press(page, "Show")
            expect(page.locator(".list tbody tr")).to_have_count(1)
            page.get_by_role("link", name="Ask for this page anew every five seconds").click()
            assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
            page.goto(server.origin + "/console/exemptions?state=active")
            page.get_by_role("link", name="End now: the exemption of Dana Engineer").click()
            page.get_by_label("Why it ends now").fill("the work is done")
            press(page, "End now")
            expect(page.locator(".lead .tag").first).to_have_text("over")

    chromium.run(story)


def sign_in(page: Page, server: Server, *, approve: bool = True) -> None:
    """Whoever sits before *page* lets a machine in that asks, or types its code and sees what comes."""
    asking = Asking(server)
    page.goto(server.origin + "/devicelogin")
    page.get_by_label(CODE, exact=True).fill(asking.user_code)
    press(page, CONTINUE)
    if approve:
        press(page, APPROVE)
        assert asking.outcome() == "access_token"


def test_a_policy_is_written_tried_and_switched_on(server: Server, chromium: Desk) -> None:
    """
    An administrator writes a report-only policy with a mistake, mends it, sees whom it would have kept out, switches it
    on: from then on it does, and the story of the sign-in names it. An auditor sees all of it and no button.
    """
    server.open_exemption("dana")
    server.open_exemption("fay")  # or else nobody could pass, and no code would exist

    def story() -> None:
        with window(chromium, server, "dana") as page:
            sign_in(page, server)
        with window(chromium, server, "bea") as page:
            page.goto(server.origin + "/console/people?q=dana")
            page.locator(".list tbody a").first.click()
            dana = page.locator(".facts code").inner_text()
            page.goto(server.origin + "/console/policies")
            page.get_by_role("link", name="New policy").click()
            field = page.get_by_label("Document")
            broken = field.input_value().replace('"mfa"', '"blok"').replace('"All"', f'"{dana}"', 1)
            field.fill(broken.replace('"displayName": ""', '"displayName": "Not Dana"'))
            press(page, "Check")
            expect(page.get_by_text("blok cannot be enforced here")).to_be_visible()
            expect(page.get_by_text("$.grantControls.builtInControls")).to_be_visible()
            field.fill(field.input_value().replace('"blok"', '"block"'))
            press(page, "Check")
            expect(page.locator("#meaning + p")).to_have_text("report-only")
            expect(page.get_by_role("row", name="Who Dana Engineer")).to_be_visible()
            expect(page.get_by_role("row", name="Would have been blocked 1")).to_be_visible()
            page.get_by_label("Why").fill("a person who left the team")
            press(page, "Save")
            expect(page.get_by_role("heading", name="Not Dana")).to_be_visible()
            address = page.url
        with window(chromium, server, "dana") as page:
            sign_in(page, server)
        with window(chromium, server, "bea") as page:
            page.goto(address + "/impact?days=1")
            expect(page.get_by_role("row", name="Would have been blocked 2")).to_be_visible()
            expect(page.get_by_text("report-only: would say no")).to_be_visible()
            page.goto(address)
            page.get_by_label("State").select_option(label="on")
            press(page, "Save the state")
            expect(page.locator("#policy .lead .tag")).to_have_text("on")
        context = chromium.context()  # the refusal is a 403, of which the browser complains
        page = context.new_page()
        become(page, server, "dana")
        sign_in(page, server, approve=False)
        expect(page.get_by_role("button", name=APPROVE)).to_have_count(0)
        context.close()
        with window(chromium, server, "otto") as page:
            page.goto(server.origin + "/console/signins?q=dana")
            page.locator(".list tbody a").first.click()
            expect(page.locator(".things li", has_text="Not Dana")).to_contain_text("failure")
            page.goto(address)
            expect(page.get_by_text("a person who left the team")).to_be_visible()
            assert page.get_by_role("button").all_inner_texts() == [SIGN_OUT, "Show"]
            assert page.get_by_role("link", name="Edit its document").count() == 0
            page.get_by_role("link", name="Whom it would have kept out").click()
            expect(page.get_by_role("row", name="Would have been blocked 3")).to_be_visible()
        with window(chromium, server, "bea") as page:
            page.goto(address)
            page.get_by_label("Why").fill("the test is over")
            press(page, "Delete the policy")
            expect(page.get_by_text("This policy is not there any more")).to_be_visible()

    chromium.run(story)
    server.end_exemptions("dana")
    server.end_exemptions("fay")
