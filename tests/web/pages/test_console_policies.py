"""Policies in the console: the list, one in words, its history and what it said on a day, and what-if."""

import html
import re
from typing import Any

import httpx
import pytest

from ostiary.core.directory.people import Role
from ostiary.core.words.instants import Instant, days, to_iso
from ostiary.services.access.locations import create_location
from ostiary.services.access.policies import change_policy, create_policy, delete_policy
from tests.web.pages.site import ADMIN_API, BLOCK, BOB, CAROL, Browser, Site
from tests.web.pages.test_console import entered, table

HERE = "/console/policies"
NEW: dict[str, Any] = {
    "displayName": "Second factor for the tool",
    "state": "enabledForReportingButNotEnforced",
    "conditions": {
        "users": {"includeUsers": [str(BOB)], "includeRoles": ["approver"], "excludeUsers": [str(CAROL)]},
        "applications": {"includeApplications": [str(ADMIN_API)]},
        "clientAppTypes": ["all"],
    },
    "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
}


def save(site: Site, document: dict[str, Any] | None = None) -> str:
    """A new policy of the administrator; its id."""
    made = site.run(create_policy(site.house, site.admin(), document or NEW, "wanted by the audit"))
    assert hasattr(made, "id"), made
    return str(made.id)


def words(page: httpx.Response) -> str:
    """The page's text, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])).split())


@pytest.fixture
def auditor(site: Site) -> Browser:
    """Bob, who only looks."""
    return entered(site, BOB, Role.AUDITOR)


def test_the_list_says_what_each_demands_and_who_changed_it(site: Site, auditor: Browser) -> None:
    """By name and state; an original of the founding was changed by nobody."""
    save(site)
    rows = {row[0]: row for row in table(auditor.get(HERE))}
    assert [rows[NEW["displayName"]][n] for n in (1, 2, 4)] == ["report-only", "mfa", "alice@example.com"]
    assert [rows[str(BLOCK["displayName"])][n] for n in (1, 2, 4)] == ["on", "block", "–"]
    assert [row[0] for row in table(auditor.get(f"{HERE}?q=second"))] == [NEW["displayName"]]
    assert [row[0] for row in table(auditor.get(f"{HERE}?state=enabled"))] == [BLOCK["displayName"]]
    assert "Nothing is like that." in auditor.get(f"{HERE}?q=zzz").text
    exported = auditor.get(f"{HERE}?export=json&q=second").json()
    assert [(one["displayName"], one["grantControls"]) for one in exported] == [
        (NEW["displayName"], NEW["grantControls"])
    ]
    assert "Kill switch not pulled" in words(auditor.get(HERE))


def test_one_policy_is_told_in_words(site: Site, auditor: Browser) -> None:
    """With the names of those that it names, and the document as it was saved."""
    page = auditor.get(f"{HERE}/{save(site)}")
    told = words(page)
    assert "Who approvers, Bob but not: Carol" in told
    assert "What for Ostiary" in told
    assert "What is demanded a second factor" in told
    assert f'href="/console/people/{BOB}"' in page.text
    assert "&#34;mfa&#34;" in page.text
    block = words(auditor.get(f"{HERE}/b10c"))
    assert "Who everybody but not: Exception" in block
    assert "How the sign-in travels with a device code" in block
    assert "What happens It is blocked." in block
    assert auditor.get(f"{HERE}/nothing").status_code == 404


def test_what_is_not_there_any_more_is_said(site: Site, auditor: Browser) -> None:
    """An id that nobody has is shown as one; a part that cannot be enforced is named with its place."""
    users = {"includeUsers": ["a11ce000-0000-4000-8000-00000000dead"]}
    document = NEW | {
        "conditions": NEW["conditions"] | {"users": users}, "sessionControls": {"disableResilienceDefaults": True},
    }  # fmt: skip
    told = words(auditor.get(f"{HERE}/{save(site, document)}"))
    assert "a11ce000-0000-4000-8000-00000000dead not there any more" in told
    assert "It could not be enforced as it is:" in told
    assert "$.sessionControls.disableResilienceDefaults" in told


def test_the_history_tells_who_changed_what_and_what_stood_on_a_day(site: Site, auditor: Browser) -> None:
    """Each change with before and after; on a day it says what it said then, also when it is gone."""
    id = save(site)
    first = site.clock.now()
    site.clock.move(days(2))
    changed = site.run(
        change_policy(site.house, site.admin(), id, {"state": "disabled"}, "it was in the way"),
    )
    assert hasattr(changed, "id"), changed
    site.clock.move(days(2))
    gone = site.run(delete_policy(site.house, site.admin(), id))
    assert gone is None
    auditor.sign_in(BOB)
    told = words(auditor.get(f"{HERE}/{id}"))
    assert "This policy is not there any more" in told
    assert "It was deleted." in told
    assert "“ it was in the way ”" in told
    assert '$.state "enabledForReportingButNotEnforced" "disabled"' in told

    def on(after_days: int) -> str:
        day = to_iso(Instant(first + days(after_days)))[:10]
        return words(auditor.get(f"{HERE}/{id}/day?on={day}"))

    assert "When the day began There was no such policy." in on(0)
    assert "report-only" in on(0)
    assert "report-only" in on(1)
    assert "off" in on(3)
    assert "does not hold all changes" not in on(1)
    assert "There was no such policy." in on(4)


def test_an_original_policy_stood_before_its_first_change(site: Site, auditor: Browser) -> None:
    """No entry made it: what it said is kept beside the journal."""
    start = site.clock.now()
    site.clock.move(days(3))
    changed = site.run(
        change_policy(site.house, site.admin(), "b10c", {"description": "Ask the platform team"}, "so that it is known")
    )
    assert hasattr(changed, "id"), changed
    auditor.sign_in(BOB)
    page = auditor.get(f"{HERE}/b10c/day?on={to_iso(start)[:10]}")
    assert page.status_code == 200
    assert "Block device code flow" in page.text
    assert "Ask the platform team" not in page.text
    assert "does not hold all changes" not in page.text
    for wrong in ("", "soon", "2026-02-31", "9999-01-01"):
        assert auditor.get(f"{HERE}/b10c/day?on={wrong}").status_code == 400, wrong


def test_what_if_tells_the_decision_and_what_each_policy_says(site: Site, auditor: Browser) -> None:
    """By the same question as the admin API's; what was typed stays, what is wrong is explained."""
    save(site)
    asked = f"{HERE}/what-if?person=bob@example.com&application={ADMIN_API}&way=device"
    page = auditor.get(asked)
    assert page.status_code == 200
    assert table(page) == [
        ["Block device code flow", "says no", "It blocks."],
        ["Second factor for the tool", "report-only: would say no", "Missing: mfa"],
    ]
    assert "blocked" in words(page)
    assert 'value="bob@example.com"' in page.text
    passed = auditor.get(asked + "&exemption=yes&factor=yes")
    assert table(passed) == [
        ["Block device code flow", "does not apply", "It is not meant: Who"],
        ["Second factor for the tool", "report-only: satisfied", "–"],
    ]
    assert "Policy lets it through." in passed.text
    for right, wrong, says in (
        ("person=bob@", "person=nobody@", "There is no such person."),
        ("application=0", "application=x", "Choose what the sign-in is for."),
        ("way=device", "way=pigeon", "That cannot be chosen."),
        ("way=device", "address=nowhere", "Policy says no."),
    ):
        answer = auditor.get(asked.replace(right, wrong))
        assert says in answer.text
        assert answer.status_code in (200, 400, 404)
    assert len(site.entries("admin:policy:created")) == 1


def test_named_locations_are_listed(site: Site, auditor: Browser) -> None:
    """With what they consist of, searched and exported as any list."""
    given = {"displayName": "Office", "ipRanges": [{"cidrAddress": "198.51.100.0/24"}], "isTrusted": True}
    made = site.run(create_location(site.house, site.admin(), given))
    assert hasattr(made, "id"), made
    page = auditor.get(f"{HERE}/locations")
    assert table(page)[0][:3] == ["Office", "trusted", "198.51.100.0/24"]
    assert table(auditor.get(f"{HERE}/locations?q=zz")) == []
    assert auditor.get(f"{HERE}/locations?export=json").json()[0]["displayName"] == "Office"
