"""The console's frame and lists: who sees what, filters, paging, empty states, exports; without any script."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.directory.people import Role, User
from ostiary.core.directory.permissions import judge
from ostiary.core.graph.odata import read_query
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import belongs
from ostiary.core.words.errors import SurveyTimeout
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, hours, minutes
from ostiary.store import Tx, counts, directory
from ostiary.web.pages import console
from ostiary.web.pages.console import (
    applications,
    audit,
    charts,
    devices,
    exemptions,
    findings,
    groups,
    lists,
    locations,
    people,
    policies,
    requests,
    risky,
    signins,
)
from ostiary.web.pages.console.export import BrokenOff
from ostiary.web.pages.console.navigation import PLACES
from tests.web.pages.site import ALICE, BOB, CAROL, Browser, Site, actions

STATIC = Path(console.__file__).parents[1] / "static"
HTMX = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"  # of htmx.org 2.0.11, dist/htmx.min.js


def entered(site: Site, user: UserId, *roles: Role) -> Browser:
    """A browser of *user*, who has *roles*."""
    site.change(user, roles=frozenset(roles))
    browser = site.browser()
    browser.sign_in(user)
    return browser


def crowd(site: Site, count: int) -> None:
    """That many more accounts: ``p000@example.com`` and so on."""

    async def body(tx: Tx) -> None:
        for number in range(count):
            id = UserId(f"c0ffee00-0000-4000-8000-{number:012}")
            name = f"p{number:03}@example.com"
            await directory.add(tx, User(id, name, f"=Person {number}", created=Instant(0)))

    site.run(site.house.store.write(body))


def table(page: httpx.Response) -> list[list[str]]:
    """The texts of the list's rows."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2].partition("</tbody>")[0], re.S)
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S)]
        for row in rows
    ]


def link(page: httpx.Response, text: str) -> str:
    """Where the link *text* leads."""
    found = re.search(rf'<a href="([^"]+)"[^>]*>{re.escape(text)}</a>', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("role", [None, *Role])
def test_the_navigation_shows_what_the_role_opens_and_all_else_is_refused(site: Site, role: Role | None) -> None:
    """One table decides both; a page that was refused to somebody known stands in the log."""
    browser = entered(site, BOB, *([role] if role else []))
    caller = site.visit(BOB, *([role] if role else [])).caller
    opened = {place.path for place in PLACES if judge(place.action, caller, now=site.clock.now()) is None}
    for place in PLACES[1:]:
        refused = len(site.entries(Kind.ADMIN_REFUSED))
        page = browser.get(place.path)
        assert page.status_code == (200 if place.path in opened else 403), place
        assert len(site.entries(Kind.ADMIN_REFUSED)) == refused + (place.path not in opened)
        shown = set(re.findall(r'<li><a href="(/console[^"]*)"', page.text))
        assert shown == (opened if place.path in opened else set())
    assert ('<a href="/console">' in browser.get("/account").text) is (role in (Role.ADMINISTRATOR, Role.AUDITOR))


def test_a_refused_look_is_recorded_once_a_minute_and_never_for_another_site(site: Site) -> None:
    """Reloading adds nothing to the log, nor does a link elsewhere that sends a browser here with its cookies."""
    browser = entered(site, BOB)
    led = {"sec-fetch-site": "cross-site"}
    before = len(site.entries(Kind.ADMIN_REFUSED))
    assert browser.get("/console/audit", headers=led).status_code == 403
    assert len(site.entries(Kind.ADMIN_REFUSED)) == before
    assert [browser.get("/console/audit").status_code for _ in range(3)] == [403] * 3
    assert len(site.entries(Kind.ADMIN_REFUSED)) == before + 1
    site.clock.move(minutes(1))
    assert browser.get("/console/audit").status_code == 403
    assert len(site.entries(Kind.ADMIN_REFUSED)) == before + 2


def test_nobody_is_led_to_the_sign_in_page(site: Site) -> None:
    """And back to what they asked for."""
    answer = site.browser().get("/console/people?q=x")
    assert answer.headers["location"] == "/signin?return=%2Fconsole%2Fpeople%3Fq%3Dx"


def test_an_auditor_is_shown_no_button(site: Site) -> None:
    """Nothing but signing out can be pressed on any page."""
    site.open(CAROL)
    browser = entered(site, BOB, Role.AUDITOR)
    for place in PLACES:
        assert actions(browser.get(place.path)) == ["/signout"], place


def test_a_list_is_paged_and_each_row_comes_once(site: Site) -> None:
    """Links alone lead through all of it, and back to the first page."""
    crowd(site, 2 * lists.SHOWN)
    browser = entered(site, BOB, Role.AUDITOR)
    page, seen = browser.get("/console/people"), list[str]()
    while True:
        seen += [row[1] for row in table(page)]
        if ">Next page<" not in page.text:
            break
        assert len(table(page)) == lists.SHOWN
        page = browser.get(link(page, "Next page"))
    assert seen == sorted(set(seen))
    assert len(seen) == 2 * lists.SHOWN + 3
    assert table(browser.get(link(page, "First page")))[0][1] == seen[0]


def test_what_is_typed_narrows_the_list_and_stays_in_its_form(site: Site) -> None:
    """Search, choices, days; a quotation mark is only a letter; nothing found says so and offers a way back."""
    browser = entered(site, BOB, Role.AUDITOR)
    assert [row[1] for row in table(browser.get("/console/people?q=car"))] == ["carol@example.com"]
    assert [row[1] for row in table(browser.get("/console/people?role=auditor"))] == ["bob@example.com"]
    assert table(browser.get("/console/people?account=false")) == []
    page = browser.get("/console/people?q=" + "it's+%22%3Cb%3E")
    assert 'value="it&#39;s &#34;&lt;b&gt;"' in page.text
    assert "Nothing is like that." in page.text
    assert link(page, "Show all") == "/console/people"


@pytest.mark.parametrize(
    "asked",
    ["people?role=emperor", "signins?from=yesterday", "signins?to=9999-12-31", "people?after=x", "signins?after=e30",
     "people?q=a%01b", "signins?result=%27"],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_beside_the_form(site: Site, asked: str) -> None:
    """Never a fault, and never the whole list instead."""
    browser = entered(site, BOB, Role.AUDITOR)
    page = browser.get(f"/console/{asked}")
    assert page.status_code == 400, page.text
    assert 'role="alert"' in page.text
    assert "<form" in page.text
    assert table(page) == []


def test_an_export_holds_all_that_matches_as_the_admin_api_tells_it(site: Site) -> None:
    """Several pieces, each row once; JSON is Graph's, CSV has the same properties; what looks like a formula is not."""
    crowd(site, 520)
    browser = entered(site, BOB, Role.AUDITOR)
    answer = browser.get("/console/people?q=p&export=json")
    assert re.fullmatch(r'attachment; filename="people-[0-9-]{10}\.json"', answer.headers["content-disposition"])
    rows = json.loads(answer.text)
    assert [row["userPrincipalName"] for row in rows] == [f"p{number:03}@example.com" for number in range(520)]
    text = browser.get("/console/people?q=p&export=csv").text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert lines[7]["displayName"] == "'=Person 7"
    assert lines[7]["accountEnabled"] == "true"
    assert set(lines[0]) >= {"userPrincipalName", "createdDateTime", "ostiary/roles"}
    assert browser.get("/console/people?export=xls").status_code == 400
    assert json.loads(browser.get("/console/people?q=zzz&export=json").text) == []


def test_an_export_breaks_off_when_its_session_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece is for the person as they are by then: the rest of the rows is never sent."""
    crowd(site, 520)
    browser = entered(site, BOB, Role.AUDITOR)
    asked = list[str]()

    def ending(options: list[tuple[str, str]], shape: object) -> object:
        asked.append(dict(options).get("$skiptoken", ""))
        site.clock.move(minutes(60 * 24))
        return read_query(options, shape)  # type: ignore[arg-type]

    monkeypatch.setattr("ostiary.web.pages.console.lists.read_query", ending)
    with pytest.raises(BrokenOff):
        browser.get("/console/people?q=p&export=csv")
    assert asked == [""]


def test_a_sign_in_is_found_and_told_from_its_first_to_its_last_step(site: Site) -> None:
    """By user name, by address, by reference; its page says who, from where, what policy said and what happened."""
    site.open(CAROL)
    started = site.start()
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    assert [row[2:4] for row in table(browser.get("/console/signins?q=203.0.113.9"))] == [["Build tool", "under way"]]
    page = browser.get("/console/signins?q=alice@example.com&result=success")
    assert [row[1] for row in table(page)] == ["Alice"]
    assert table(browser.get("/console/signins?way=deviceCode&result=failure")) == []
    assert [row[1] for row in table(browser.get("/console/signins?q=ali"))] == ["Alice"]
    where = re.search(r'<a href="(/console/signins/[^"]+)"', browser.get("/console/signins?way=deviceCode").text)
    assert where
    story = browser.get(where[1])
    assert "A machine asked, and was given a code." in story.text
    assert "203.0.113.9" in story.text
    assert started.user_code not in story.text
    assert browser.get("/console/signins/nothing").status_code == 404


def test_a_person_s_page_shows_what_is_open(site: Site) -> None:
    """Account, roles, and the window through the block with what is left of it."""
    site.open(CAROL)
    browser = entered(site, BOB, Role.AUDITOR)
    page = browser.get(f"/console/people/{CAROL}")
    assert "carol@example.com" in page.text
    assert "install the build tool" in page.text
    assert re.search(r'data-left="[^"]+">[01]:[0-9]{2}:[0-9]{2}<', page.text)
    assert browser.get("/console/people/nobody").status_code == 404


LISTS = (
    applications.LIST, audit.LIST, devices.LIST, exemptions.LIST, findings.LIST, findings.OF_RULES, groups.LIST,
    locations.LIST, people.LIST, policies.LIST, requests.LIST, risky.LIST, signins.LIST,
)  # fmt: skip


def test_every_list_is_searched_and_exported(site: Site) -> None:
    """Each field of each form is a question that its deed takes, and both exports hold what the list shows."""
    site.open(CAROL)
    browser = entered(site, BOB, Role.AUDITOR)
    assert {what.here.path for what in LISTS} == {place.path for place in PLACES[1:]} - {"/console/settings"}
    for what in LISTS:
        page = browser.get(what.address)
        shown = table(page)
        rows = json.loads(browser.get(f"{what.address}?export=json").text)
        assert len(list(csv.reader(io.StringIO(browser.get(f"{what.address}?export=csv").text)))) == len(rows) + 1
        assert len(rows) >= len(shown)
        for text in ("carol@example.com", "user:x", "203.0.113.9", "it's", "7e4a0000-0000-4000-8000-000000000001"):
            assert browser.get(f"{what.address}?q={text}").status_code == 200, (what.address, text)
        for name, value in re.findall(r'<select id="[^"]+" name="([^"]+)">.*?value="([^"]+)"', page.text, re.S):
            assert browser.get(f"{what.address}?{name}={value}").status_code == 200, (what.address, name, value)
        if what.period:
            assert browser.get(f"{what.address}?from=2020-01-01&to=2020-01-02").status_code == 200


def test_each_thing_has_a_page_of_its_own(site: Site) -> None:
    """What stands first in a list leads there; what there is not is told in the same words for all."""
    site.open(CAROL)
    browser = entered(site, BOB, Role.AUDITOR)
    says = {"groups": "Carol", "applications": "Build tool", "audit": "install the build tool", "exemptions": "Carol",
            "requests": "install the build tool"}  # fmt: skip
    for name, text in says.items():
        page = browser.get(f"/console/{name}")
        first = re.search(rf'<a href="(/console/{name}/[^"]+)"', page.text.partition("<tbody>")[2])
        assert first, name
        seen = browser.get(first[1])
        assert seen.status_code == 200
        assert text in seen.text, name
    for name in (*says, "devices"):
        assert browser.get(f"/console/{name}/nothing").status_code == 404, name


def test_the_charts_count_what_the_log_holds(site: Site) -> None:
    """An hour's sign-ins by what they came to, and today's exemptions, also as a table; no style and no script."""
    site.open(CAROL)
    site.start()
    browser = entered(site, BOB, Role.AUDITOR)
    page = browser.get("/console")
    figures = [
        [" ".join(cell.split()) for cell in re.findall(r"<t[hd][^>]*>([^<]*)<", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", page.text.partition('id="hours-table"')[2], re.S)
    ]
    assert figures[0] == ["Hour (UTC)", "succeeded", "failed", "under way"]
    assert figures[24][1:] == ["1", "0", "1"]
    assert sum(int(count) for row in figures[1:24] for count in row[1:]) == 0
    assert re.search(r"<td>1</td></tr>\s*</tbody>", page.text.partition('id="days-table"')[2])
    assert page.text.count("<rect") == 3


def days(page: httpx.Response) -> list[int]:
    """How many exemptions each day has."""
    return [int(count) for count in re.findall(r"<td>(\d+)</td></tr>", page.text.partition('id="days-table"')[2])]


def test_the_charts_are_counted_once_a_minute_and_each_day_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a page asks; and where a count ends early, it does so for its own day alone."""
    monkeypatch.setattr(counts, "MOST", 1)
    site.open(CAROL)
    site.clock.move(hours(25))
    browser = entered(site, BOB, Role.AUDITOR)
    assert (sum(days(browser.get("/console"))), days(browser.get("/console"))[-1]) == (1, 0)
    site.open(CAROL)
    assert sum(days(browser.get("/console"))) == 1
    site.clock.move(minutes(1))
    assert sum(days(browser.get("/console"))) == 2


def test_a_chart_that_takes_too_long_is_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the page is there, and no second viewer waits for it within the minute."""
    tries = []

    async def endless(*_: object) -> int:
        tries.append(1)
        raise SurveyTimeout("interrupted")

    monkeypatch.setattr(counts, "outcomes", endless)
    browser = entered(site, BOB, Role.AUDITOR)
    for _ in range(2):
        page = browser.get("/console")
        assert page.status_code == 200
        assert ('id="hours-table"' in page.text, 'id="days-table"' in page.text) == (False, True)
    assert len(tries) == 1


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30))
def test_a_chart_stays_inside_its_drawing(counts: list[tuple[int, int]]) -> None:
    """Whatever the figures: each bar stands on the ground, none is higher than the drawing, and nothing is hidden."""
    bars = tuple(charts.Bar(str(place), each) for place, each in enumerate(counts))
    chart = charts.Chart("c", "t", "s", "o", (("a", "good"), ("b", "bad")), bars)
    assert len(chart.pieces) == sum(count > 0 for each in counts for count in each)
    for piece in chart.pieces:
        assert 0 <= piece.x < piece.x + piece.width <= charts.WIDTH
        assert -0.2 <= piece.y < piece.y + piece.height <= charts.HEIGHT + 0.2
        assert piece.height >= 2


def test_r16_a_page_that_only_watches_uses_no_session(site: Site) -> None:
    """R16: a console that keeps itself up to date goes idle after thirty minutes like every other page."""
    browser = entered(site, BOB, Role.AUDITOR)
    for _ in range(5):
        site.clock.move(minutes(7))
        last = browser.get("/console/people?live=1")
    assert last.status_code == 303
    browser = entered(site, BOB, Role.AUDITOR)
    for _ in range(5):
        site.clock.move(minutes(7))
        last = browser.get("/console/people")
    assert last.status_code == 200


def test_without_script_watching_begins_and_ends_where_one_is(site: Site) -> None:
    """What was typed, and the one thing that is looked at, stay before the eyes."""
    browser = entered(site, BOB, Role.AUDITOR)
    for here, watched in (
        ("/console/people?q=car", "/console/people?q=car&live=1"),
        (f"/console/people/{CAROL}", f"/console/people/{CAROL}?live=1"),
    ):
        assert link(browser.get(here), "Ask for this page anew every five seconds") == watched
        assert link(browser.get(watched), "Stop that") == here


def test_every_entry_of_a_sign_in_has_a_sentence() -> None:
    """People read what happened, never the journal's own word."""
    assert set(signins.STEPS) >= {kind for kind in Kind if belongs(kind)}


def test_r16_htmx_is_the_one_that_was_looked_at() -> None:
    """R16: the vendored file is the published one, byte by byte, with its licence beside it."""
    assert hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() == HTMX
    assert "htmx.org 2.0.11" in (STATIC / "htmx.LICENSE.txt").read_text(encoding="utf-8")


def test_r16_htmx_is_told_to_run_nothing(site: Site) -> None:
    """R16: no eval, no style and no script of an answer, no other origin, no pages kept in the browser."""
    page = entered(site, BOB, Role.AUDITOR).get("/console/people")
    found = re.search(r"<meta name=\"htmx-config\" content='([^']+)'>", page.text)
    assert found
    told = json.loads(found[1])
    assert not any(
        told[name] for name in ("allowEval", "includeIndicatorStyles", "allowScriptTags", "historyCacheSize")
    )
    assert told["selfRequestsOnly"] is True
    assert "unsafe" not in page.headers["content-security-policy"]
