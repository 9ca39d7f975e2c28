"""The console in a real browser: an administrator and an auditor at work, with script and without."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.asking import Asking
from tests.journeys.browser import CONTINUE, PATIENCE, SIGN_OUT, TOTP, Desk
from tests.journeys.walk import become, press
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
            for path in ("", "/signins", "/exemptions", "/people"):
                page.goto(f"{server.origin}/console{path}")
                buttons = [each for each in page.get_by_role("button").all_inner_texts() if each != "Show"]
                assert buttons == [SIGN_OUT]
                assert page.get_by_role("link", name="End now").count() == 0
            page.goto(server.origin + "/console/signins?q=otto")
            page.locator(".list tbody a").first.click()
            expect(page.get_by_text("The person signed in with every factor.")).to_be_visible()

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
