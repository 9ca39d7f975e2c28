"""The console's findings: listed, filtered, told whole, confirmed and dismissed; the rules beside them."""

import html
import json
import re
from collections.abc import Mapping, Sequence

import pytest

from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.detections.published import BY_ID as PUBLISHED
from ostiary.core.detections.response import Known, Response, held_back
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.directory.people import Role
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, days, minutes
from ostiary.services.detections.respond import run_responses
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx, detections
from ostiary.web.pages.console import findings
from ostiary.web.pages.console.live import subjects_of
from ostiary.web.pages.texts import TEXTS
from tests.web.pages.site import ALICE, BOB, CAROL, Browser, Site, actions, hidden
from tests.web.pages.test_console import entered, link, table

ID = "f1nd1ng0-0000-4000-8000-000000000001"
PAGE = f"/console/findings/{ID}"
NOW = Instant(10**15)


def plant(site: Site, id: str = ID, *, rule: str = "reported", severity: Severity = Severity.HIGH, user: UserId = CAROL,
          cause: Cause = Cause.PERSON, story: str = "") -> None:  # fmt: skip
    """A finding, as though a rule had just seen it."""

    async def body(tx: Tx) -> None:
        now = site.clock.now()
        evidence: Mapping[str, int | Sequence[str]] = {"machines": 3, "from": ["203.0.113.9", "<b>bold</b>"]}
        made = Finding(
            id, rule, severity, now, f"{rule} was seen.", "n1.1", user=user, source="203.0.113.9", cause=cause,
            evidence=evidence, country="DE", story=story,
        )  # fmt: skip
        await detections.add(tx, made, now)

    site.run(site.house.store.write(body))


def text(browser: Browser, path: str = PAGE) -> str:
    """What a page says, without its tags."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", browser.get(path).text).split()))


def test_findings_are_found_by_what_they_are_and_whom_they_concern(site: Site) -> None:
    """State, severity, rule, person, address and day; what there is not says so, and an export holds the same."""
    plant(site)
    plant(site, "f1nd1ng0-0000-4000-8000-000000000002", rule="first_network", severity=Severity.LOW, user=BOB)
    browser = entered(site, BOB, Role.AUDITOR)
    for asked, count in {
        "": 2, "severity=high": 1, "rule=first_network": 1, "state=open": 2, "state=dismissed": 0,
        "q=Carol@Example.com": 1, "q=203.0.113.9": 2, "q=203.0.113.8": 0, "severity=high&rule=first_network": 0,
        "from=2020-01-01&to=2020-01-02": 0, f"q={ID.replace('n', '0')}": 0,
    }.items():  # fmt: skip
        page = browser.get(f"/console/findings?{asked}")
        assert (page.status_code, len(table(page))) == (200, count), asked
        assert len(json.loads(browser.get(f"/console/findings?{asked}&export=json").text)) == count, asked
    assert "Nothing is like that." in text(browser, "/console/findings?state=confirmed")


def test_a_finding_tells_all_that_is_known_of_it(site: Site) -> None:
    """Evidence, meaning, when it is harmless, published rules, and what was held back and why; nothing is markup."""
    plant(site, cause=Cause.ANYBODY)
    site.run(run_responses(site.house, site.visit()))
    browser = entered(site, BOB, Role.AUDITOR)
    page, told = browser.get(PAGE), text(browser)
    rule = next(each for each in RULES if each.id == "reported")
    for says in (
        "reported was seen.", rule.false_positives, "carol@example.com", "203.0.113.9", "DE", "machines 3",
        "The exemption behind it was not ended.", findings.HELD_BACK["nobodys_act"],
    ):  # fmt: skip
        assert says in told, says
    assert "<b>bold" not in page.text
    assert f'href="/console/people/{CAROL}"' in page.text
    assert browser.get("/console/findings/none").status_code == 404


def test_a_finding_and_its_sign_in_lead_to_each_other(site: Site) -> None:
    """Every sign-in that it came for, the first and those after it."""
    site.open(CAROL)
    stories = [site.start().id for _ in range(2)]
    for story in stories:
        plant(site, story=story)
    browser = entered(site, BOB, Role.AUDITOR)
    page = browser.get(PAGE).text
    for story in stories:
        assert f'href="/console/signins/{story}"' in page
        assert f'href="{PAGE}"' in browser.get(f"/console/signins/{story}").text


def test_an_administrator_confirms_and_dismisses_with_a_reason(site: Site) -> None:
    """What was typed is kept where it is refused, and on the way to fresh proof (R3); each word stands on the page."""
    plant(site)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    refused = browser.submit(browser.get(PAGE), PAGE, word="dismiss", reason="")
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    site.clock.move(minutes(6))
    old = browser.submit(browser.get(PAGE), PAGE, word="dismiss", reason="our own test machine")
    assert old.headers["location"].startswith("/signin/again?return=")
    assert "our own test machine</textarea>" in browser.get(PAGE).text
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    assert browser.submit(browser.get(PAGE), PAGE, word="dismiss", reason="our own test machine").status_code == 303
    assert "It was dismissed as harmless." in text(browser)
    assert "our own test machine" in text(browser)
    assert 'value="dismiss"' not in browser.get(PAGE).text
    assert browser.submit(browser.get(PAGE), PAGE, word="confirm", reason="").status_code == 303
    assert "It was confirmed." in text(browser)
    (entry,) = site.entries(Kind.FINDING_DISMISSED)
    assert entry["detail"]["reason"] == "our own test machine"
    twice = browser.submit(browser.get(PAGE), PAGE, word="confirm", reason="")
    assert twice.status_code == 400
    assert "It is confirmed already." in twice.text


def test_nobody_dismisses_what_they_have_not_seen(site: Site) -> None:
    """
    A finding that came again, and worse, after the page was opened: that is told, with what it says now and what was
    typed; also after the way to fresh proof (R3). To confirm it is never too late.
    """
    plant(site, severity=Severity.LOW)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    page = browser.get(PAGE)
    token = {name: value for name, value in hidden(page, PAGE).items() if name != "seen"}
    assert browser.post(PAGE, **token, word="dismiss", reason="our own test machine").status_code == 409
    site.clock.move(minutes(6))
    assert browser.submit(page, PAGE, word="dismiss", reason="our own test machine").status_code == 303
    plant(site)
    browser.sign_in(ALICE)
    refused = browser.submit(browser.get(PAGE), PAGE, word="dismiss", reason="our own test machine")
    assert refused.status_code == 409
    assert "It came again, or was changed, since you looked" in refused.text
    assert "our own test machine</textarea>" in refused.text
    assert site.entries(Kind.FINDING_DISMISSED) == []
    assert browser.submit(refused, PAGE, word="dismiss", reason="our own test machine").status_code == 303
    assert site.entries(Kind.FINDING_DISMISSED)[0]["detail"]["severity"] == "high"
    late = hidden(browser.get(PAGE), PAGE) | {"seen": hidden(page, PAGE)["seen"]}
    assert browser.post(PAGE, **late, word="confirm", reason="").status_code == 303


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.APPROVER, None])
def test_who_is_no_administrator_changes_nothing(site: Site, role: Role | None) -> None:
    """No button is shown, and a form that was sent all the same is refused and recorded."""
    plant(site)
    browser = entered(site, BOB, *([role] if role else []))
    page = browser.get(PAGE)
    assert page.status_code == (200 if role is Role.AUDITOR else 403)
    assert actions(page) == ["/signout"]
    before = len(site.entries(Kind.ADMIN_REFUSED))
    token = hidden(browser.get("/account"), "/signout")
    for word in ("confirm", "dismiss"):
        assert browser.post(PAGE, **token, word=word, reason="a reason of mine").status_code == 403
    assert len(site.entries(Kind.ADMIN_REFUSED)) == before + 2
    assert site.entries(Kind.FINDING_CONFIRMED) == site.entries(Kind.FINDING_DISMISSED) == []


def test_every_rule_is_listed_with_what_it_found_and_what_is_done(site: Site) -> None:
    """All of them on one page; the count is of 30 days, and leads to what was found."""
    plant(site)
    site.clock.move(days(31))
    plant(site, "f1nd1ng0-0000-4000-8000-000000000002", rule="first_network", severity=Severity.LOW, user=BOB)
    browser = entered(site, BOB, Role.AUDITOR)
    page = browser.get(link(browser.get("/console/findings"), "The rules, and what is done about what they find"))
    rows = {html.unescape(row[0]): row[1:] for row in table(page)}
    assert set(rows) == {rule.title for rule in RULES}
    titles = {rule.id: rule.title for rule in RULES}
    assert rows[titles["reported"]][3] == "0"
    assert rows[titles["first_network"]][2:4] == ["noted only", "1"]
    assert "the sign-in and its session end" in rows[titles["stolen_token"]][2]
    assert 'href="/console/findings?rule=first_network"' in page.text
    assert len(table(browser.get("/console/findings?rule=first_network"))) == 1


def test_a_risky_person_is_confirmed_as_compromised_and_dismissed(site: Site) -> None:
    """
    From the list to the one person, with what was found; confirming ends what is theirs, and what that will be stands
    beside the button; dismissing needs a reason, which is kept where it is refused.
    """
    site.open(CAROL)
    victim = site.browser()
    victim.sign_in(CAROL)
    plant(site, severity=Severity.LOW)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    page = browser.get("/console/findings/people")
    assert [row[:4] for row in table(page)] == [["Carol", "carol@example.com", "low", "at risk"]]
    one = f"/console/findings/people/{CAROL}"
    assert f'href="{one}"' in page.text
    told = text(browser, one)
    assert "Every session and every open sign-in of this person ends." in told
    assert browser.submit(browser.get(one), one, word="confirm", reason="her laptop was stolen").status_code == 303
    assert victim.get("/account").status_code == 303
    assert [row[2:4] for row in table(browser.get("/console/findings/people"))] == [["high", "confirmed"]]
    assert "An account that was confirmed as compromised" in text(browser, one)
    refused = browser.submit(browser.get(one), one, word="dismiss", reason="no")
    assert refused.status_code == 400
    assert ">no</textarea>" in refused.text
    assert browser.submit(browser.get(one), one, word="dismiss", reason="it was found again").status_code == 303
    assert "Nobody is risky." in text(browser, "/console/findings/people")
    assert browser.get("/console/findings/people/nobody").status_code == 404


def test_nobody_dismisses_what_came_after_they_looked_at_a_person(site: Site) -> None:
    """
    One more finding, or one that came again, after the page was opened: that is told, with what there is now and what
    was typed; also after the way to fresh proof (R3). To confirm is never too late.
    """
    one, second = f"/console/findings/people/{CAROL}", "f1nd1ng0-0000-4000-8000-000000000002"
    plant(site, severity=Severity.LOW)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    page = browser.get(one)
    bare = {name: value for name, value in hidden(page, one).items() if name != "seen"}
    for form in (bare, bare | {"seen": ""}):
        assert browser.post(one, **form, word="dismiss", reason="our own test").status_code == 409
    site.clock.move(minutes(6))
    assert browser.submit(page, one, word="dismiss", reason="our own test").status_code == 303
    plant(site, second, rule="first_network")
    browser.sign_in(ALICE)
    kept = browser.get(one)
    for again in (False, True):
        if again:
            plant(site, second, rule="first_network")
        refused = browser.submit(kept, one, word="dismiss", reason="our own test")
        assert refused.status_code == 409
        assert "It came again, or was changed, since you looked" in refused.text
        assert "our own test</textarea>" in refused.text
        assert "first_network was seen." in refused.text
        kept = refused
    assert site.entries(Kind.FINDING_DISMISSED) == []
    assert browser.submit(kept, one, word="dismiss", reason="our own test").status_code == 303
    assert len(site.entries(Kind.FINDING_DISMISSED)) == 2
    plant(site, "f1nd1ng0-0000-4000-8000-000000000003")
    late = hidden(browser.get(one), one) | {"seen": hidden(page, one)["seen"]}
    assert browser.post(one, **late, word="confirm", reason="").status_code == 303


def test_an_auditor_looks_at_risky_people_and_says_nothing(site: Site) -> None:
    """No form is there, and one that was sent all the same is refused."""
    plant(site)
    browser = entered(site, BOB, Role.AUDITOR)
    one = f"/console/findings/people/{CAROL}"
    assert actions(browser.get(one)) == ["/signout"]
    token = hidden(browser.get("/account"), "/signout")
    for word in ("confirm", "dismiss"):
        assert browser.post(one, **token, word=word, reason="a reason of mine").status_code == 403
    assert len(table(browser.get("/console/findings/people"))) == 1


def test_the_first_page_tells_of_open_findings_the_worst_first(site: Site) -> None:
    """How many of each severity, and the latest of the worst; nothing once each has had its word."""
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    assert "Open findings" not in text(browser, "/console")
    plant(site)
    plant(site, "f1nd1ng0-0000-4000-8000-000000000002", rule="first_network", severity=Severity.LOW, user=BOB)
    told = text(browser, "/console")
    assert "Open findings high 1 medium 0 low 1 reported was seen." in told
    assert "first_network was seen." not in told
    for id in (ID, "f1nd1ng0-0000-4000-8000-000000000002"):
        browser.submit(
            browser.get(findings.finding_path(id)), findings.finding_path(id), word="dismiss", reason="a test"
        )
    assert "Open findings" not in text(browser, "/console")


def test_the_console_has_words_for_all_that_may_become_of_a_finding() -> None:
    """Each response, each reason to hold one back; and what changes a finding is told to those who look at it."""
    hits = set(Response) - {Response.NOTE, Response.ALERT}
    assert findings.said_of(Response) != ()
    assert set(findings._DONE) == set(findings._NOT_DONE) == hits
    made = {cause: Finding("i", "r", Severity.HIGH, NOW, "s", "n.1", user="u", cause=cause) for cause in Cause}
    whys = {
        held_back(response, made[cause], Known(now, people=people, done=done, own=own))
        for response in Response for cause in Cause for people in (0, 9) for done in (0, 99) for own in (0, 99)
        for now in (NOW, Instant(NOW + days(2)))
    }  # fmt: skip
    assert whys == {"", *findings.HELD_BACK}
    kinds = (Kind.FINDING_RAISED, Kind.FINDING_DISMISSED, Kind.RESPONSE_HELD_BACK, Kind.RESPONSES_CHANGED)
    assert all("findings" in subjects_of(kind) for kind in kinds)


GERMAN = {"accept-language": "de"}


def test_what_a_rule_says_is_said_in_the_browser_s_language(site: Site) -> None:
    """Title, meaning and harmless cases are German wherever they stand; what is kept in English is marked so."""
    plant(site, rule="first_network")
    site.run(site.house.store.write(lambda tx: alert(tx, site.visit(), about="a test", text="Look at this.")))
    browser = entered(site, BOB, Role.AUDITOR)
    browser.client.headers.update(GERMAN)
    rule, told = BY_ID["first_network"], TEXTS["de"].told
    page = browser.get(PAGE).text
    assert f"<h1>{told(rule.title)}</h1>" in page
    assert told(rule.title) == "Ein Gerät in einem neuen Netzwerk"
    assert "<p>Ein Code wurde aus einem autonomen System eingelöst" in page
    assert f"<p>{told(rule.false_positives)}</p>" in page
    assert f'<bdi lang="en">{PUBLISHED[rule.covers[0]].name}</bdi>' in page
    assert '<bdi lang="en">Look at this.</bdi>' in browser.get("/console").text
    for path in (PAGE, "/console", f"/console/findings/people/{CAROL}"):
        assert '<bdi lang="en">first_network was seen.</bdi>' in browser.get(path).text, path
    assert f'<a href="{PAGE}">{told(rule.title)}</a>' in browser.get(f"/console/findings/people/{CAROL}").text
    assert [row[0] for row in table(browser.get("/console/findings"))] == [told(rule.title)]
    listed = browser.get("/console/findings").text
    assert f'<option value="first_network">{told(rule.title)}</option>' in listed
    rows = {html.unescape(row[0]): html.unescape(row[2]) for row in table(browser.get("/console/findings/rules"))}
    assert rows == {told(each.title): told(each.explanation) for each in RULES}
