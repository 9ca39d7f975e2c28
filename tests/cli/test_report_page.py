"""The report on exemptions: what stands out stands first, and nothing that people wrote becomes part of the page."""

import re
from html.parser import HTMLParser
from typing import Any

from ostiary.cli.report_page import Account, Question, account_of, page
from ostiary.core.exemptions.hours import Hours, Stretch
from ostiary.core.words.instants import from_iso

START, END = from_iso("2026-11-01T00:00:00Z"), from_iso("2026-12-01T00:00:00Z")
WORKING = Hours("Europe/Zurich", (Stretch(frozenset(range(5)), 7 * 60, 19 * 60),))
QUESTION = Question("login.example.com", START, END, END, WORKING)
SIGN_IN = {
    "createdDateTime": "2026-11-10T09:05:00Z", "appDisplayName": "Ostiary CLI", "ipAddress": "203.0.113.9",
    "ostiary": {"outcome": "success", "refreshCount": 3, "endedDateTime": "2026-11-10T10:00:00Z",
                "endCause": "exemption_ran_out"},
}  # fmt: skip


def request(**ours: Any) -> dict[str, Any]:
    """One as the admin API tells it: used on a Tuesday morning, for an hour, approved by Bea."""
    fields = {
        "state": "expired", "used": 1, "openedBy": "user:emil", "applicationId": "cli",
        "decisions": [{"reviewedBy": "bea@example.com", "reviewResult": "Approve", "justification": "known incident",
                       "reviewedDateTime": "2026-11-10T09:00:00Z", "duration": "PT1H"}],
    } | ours  # fmt: skip
    return {
        "id": ours.get("id", "r1"), "action": ours.get("action", "selfActivate"),
        "justification": ours.get("why", "fix INC-4412"),
        "createdDateTime": "2026-11-10T08:55:00Z", "principal": {"userPrincipalName": "emil@example.com"},
        "ticketInfo": {"ticketNumber": "INC-4412"},
        "scheduleInfo": {"startDateTime": ours.get("starts", "2026-11-10T09:05:00Z"),
                         "expiration": {"duration": ours.get("length", "PT1H"),
                                        "endDateTime": ours.get("ends", "2026-11-10T10:05:00Z")}},
        "ostiary": fields,
    }  # fmt: skip


def told(*accounts: Account) -> str:
    """The page's text."""
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page(QUESTION, accounts)))


def test_each_exemption_is_told_whole() -> None:
    """Who, when, why, who allowed it and for how long, from where, what was done, when and why it ended."""
    text = told(account_of(request(), [SIGN_IN]))
    for part in ("emil@example.com", "fix INC-4412", "INC-4412 (not checked)", "application cli",
                 "bea@example.com approved for PT1H at 2026-11-10 09:00: known incident", "203.0.113.9",
                 "2026-11-10 09:05 to 2026-11-10 10:05", "exemption_ran_out", "Sign-ins that they let through 1",
                 "Begun outside working hours: 0", "Granted and never used: 0", "The longest (of 1): 1"):  # fmt: skip
        assert part in text, part


def test_what_stands_out_is_listed() -> None:
    """Break-glass with and without its review, at night, on a weekend, unused, ended by others, denied."""
    accounts = [
        account_of(request(id="owed", breakGlass=True, review="owed"), []),
        account_of(request(id="seen", breakGlass=True, review="it was the database"), []),
        account_of(request(id="night", starts="2026-11-10T21:00:00Z"), []),
        account_of(request(id="early in Zurich", starts="2026-11-10T06:30:00Z"), []),
        account_of(request(id="saturday", starts="2026-11-14T09:00:00Z"), []),
        account_of(request(id="idle", state="lapsed", used=0), []),
        account_of(request(id="gone", state="revoked"), []),
        account_of(request(id="no", state="denied", used=0, ends=None), []),
        account_of(request(id="waits", state="requested", used=0, ends=None), []),
        account_of(request(id="nobody decided", state="lapsed", used=0, ends=None), []),
        account_of(request(id="account gone", state="killed", used=0, ends=None), []),
        account_of(request(id="longer", action="selfExtend", starts="2026-11-10T21:00:00Z"), [SIGN_IN]),
        account_of(request(id="not longer", action="selfExtend", state="denied", ends=None), []),
        *(account_of(request(id=f"n{n}", length=f"PT{n}H"), []) for n in range(1, 14)),
    ]
    text = told(*accounts)
    for part in ("Break-glass without a written review: 1", "Break-glass, reviewed: 1",
                 "Begun outside working hours: 2", "Granted and never used: 1",
                 "Ended by somebody else before its time: 1", "Denied: 2", "The longest (of 19): 10",
                 "Requests 26", "Granted 20", "Made longer 1"):  # fmt: skip
        assert part in text, part
    first = page(QUESTION, accounts).split("The longest", 1)[1]
    assert first.index("#n13") < first.index("#n12")


class Tags(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.seen.add(tag)
        self.seen |= {f"@{name}" for name, _ in attrs}


def test_texts_of_people_and_machines_stay_texts() -> None:
    """A reason, a name, an agent that are HTML add no element and no attribute."""
    evil = "</table><script src=//evil>alert(1)</script><img onerror=x>\" onload='y"
    clean, dirty = Tags(), Tags()
    clean.feed(page(QUESTION, [account_of(request(), [SIGN_IN])]))
    sign_in = SIGN_IN | {"appDisplayName": evil, "ipAddress": evil}
    asked = request(why=evil, id=evil, review=evil, breakGlass=True, endCause=evil, applicationId=evil)
    asked["principal"] = {"userPrincipalName": evil}
    asked["ostiary"]["decisions"][0]["reviewedBy"] = evil
    dirty.feed(page(QUESTION, [account_of(asked, [sign_in])]))
    assert dirty.seen <= clean.seen | {"ul", "li", "a", "@href"}
    assert "script" not in dirty.seen


def test_what_the_server_leaves_out_is_no_fault() -> None:
    """A request without anything but its id is still told."""
    assert "never used" in told(account_of({"id": "x", "ostiary": {"state": "lapsed"}}, []))
