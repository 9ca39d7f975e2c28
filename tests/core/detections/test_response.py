"""What a finding may lead to, by table: who can cause what, and what that may do. The policy, read and weakened."""

from collections.abc import Iterable
from typing import Any

import pytest

from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.detections.response import (
    DEFAULT,
    HOURLY,
    PERSONAL,
    Known,
    Response,
    ResponsePolicy,
    differences,
    held_back,
    policy_document,
    read_policy,
    version_of,
    weakened,
)
from ostiary.core.words.instants import Instant, days, hours, minutes
from ostiary.core.words.outcome import Refused

NOW = Instant(1_790_000_000_000_000)
HITS = tuple(one for one in Response if one not in (Response.NOTE, Response.ALERT))
R = Response


def finding(cause: Cause, *, user: str = "alice", at: Instant = NOW, severity: Severity = Severity.HIGH) -> Finding:
    """One of *cause*."""
    return Finding("f", "some_rule", severity, at, "Seen.", "n1.1", user=user, cause=cause)


@pytest.mark.parametrize("response", HITS)
@pytest.mark.parametrize("cause", list(Cause))
def test_what_needs_no_account_hits_nobody(response: Response, cause: Cause) -> None:
    """A stranger's finding only tells, whatever the policy wants; so does one that names nobody."""
    known = Known(NOW, people=9)
    why = {Cause.ANYBODY: "nobodys_act", Cause.ALLOWED: "allowed"}
    if response in (R.SUSPEND_APPLICATION, R.KILL_SWITCH):
        why[Cause.REPORTER] = "reporter"  # whoever refuses what others try stops nothing that many use
    assert held_back(response, finding(cause), known) == why.get(cause, "")
    assert held_back(response, finding(cause, user=""), known)
    for told in (R.NOTE, R.ALERT):
        assert held_back(told, finding(cause), known) == ""


@pytest.mark.parametrize(("response", "people"), [(R.SUSPEND_APPLICATION, 2), (R.KILL_SWITCH, 3), (R.END_EXEMPTION, 0)])
def test_what_hits_many_needs_many(response: Response, people: int) -> None:
    """One person cannot stop an application, nor two everything."""
    for number in range(5):
        why = held_back(response, finding(Cause.PERSON), Known(NOW, people=number))
        assert why == ("few_people" if number < people else "")


@pytest.mark.parametrize("response", HITS)
def test_there_are_so_many_in_an_hour(response: Response) -> None:
    """Then it is only told: nobody makes the service end everything by being found often."""
    most = HOURLY[response]
    assert held_back(response, finding(Cause.HOLDER), Known(NOW, people=9, done=most - 1)) == ""
    assert held_back(response, finding(Cause.HOLDER), Known(NOW, people=9, done=most)) == "many"


@pytest.mark.parametrize("response", HITS)
def test_one_person_uses_up_only_a_part_of_what_is_done_in_an_hour(response: Response) -> None:
    """Their own noise leaves enough for the others: of several, at most a quarter is one person's."""
    most = PERSONAL[response]
    assert held_back(response, finding(Cause.HOLDER), Known(NOW, people=9, done=0, own=most - 1)) == ""
    assert held_back(response, finding(Cause.HOLDER), Known(NOW, people=9, done=0, own=most)) == "many_of_one"
    assert held_back(response, finding(Cause.HOLDER), Known(NOW, confirmed=True, own=most)) == ""
    assert most <= max(1, HOURLY[response] // 4)


def test_what_is_long_past_is_not_acted_upon() -> None:
    """A reader that comes late tells, and ends nothing."""
    assert held_back(R.REVOKE_SESSIONS, finding(Cause.PERSON, at=Instant(NOW - days(1))), Known(NOW)) == ""
    assert held_back(R.REVOKE_SESSIONS, finding(Cause.PERSON, at=Instant(NOW - days(1) - 1)), Known(NOW)) == "late"


@pytest.mark.parametrize("response", HITS)
def test_an_administrators_word_needs_none_of_that(response: Response) -> None:
    """Somebody looked."""
    old = finding(Cause.ANYBODY, at=Instant(0))
    assert held_back(response, old, Known(NOW, confirmed=True, done=10_000)) == ""


def test_the_default_never_stops_everything() -> None:
    """Low is noted, medium told, high ends the sign-in and what it came by."""
    of = {level: DEFAULT.of(finding(Cause.PERSON, severity=level)) for level in Severity}
    assert of[Severity.LOW] == (R.NOTE,)
    assert of[Severity.MEDIUM] == (R.ALERT,)
    assert set(of[Severity.HIGH]) == {R.ALERT, R.REVOKE_SESSIONS, R.END_EXEMPTION}
    assert DEFAULT.of(finding(Cause.ANYBODY), confirmed=True) == DEFAULT.confirmed
    assert R.KILL_SWITCH not in {*DEFAULT.confirmed, *(one for found in DEFAULT.severities.values() for one in found)}


def read(changes: Any, old: ResponsePolicy = DEFAULT, rules: Iterable[str] = ("some_rule",)) -> ResponsePolicy:
    """A policy that can be read, which reads the same again."""
    found = read_policy(old, changes, rules)
    assert isinstance(found, ResponsePolicy), found
    assert read_policy(DEFAULT, policy_document(found), rules) == found
    return found


def test_a_rule_may_have_its_own() -> None:
    """It goes before the severity; an empty list is a note."""
    policy = read({"rules": {"some_rule": ["killSwitch", "alert"]}, "blockLength": "PT2H"})
    assert policy.of(finding(Cause.PERSON)) == (R.ALERT, R.KILL_SWITCH)
    assert policy.block == hours(2)
    assert read({"severities": {"high": []}}).of(finding(Cause.PERSON)) == (R.NOTE,)
    assert read({"blockLength": minutes(5)}).block == minutes(5)


@pytest.mark.parametrize(
    "changes",
    [
        {"severities": {"worst": ["alert"]}}, {"severities": ["alert"]}, {"severities": {"low": "alert"}},
        {"severities": {"low": ["shout"]}}, {"severities": {"low": ["alert"] * 8}},
        {"severities": {"low": [["alert"]]}},
        {"rules": {"no_such_rule": ["alert"]}}, {"confirmed": [1]}, {"blockLength": "PT1M"}, {"blockLength": "P2D"},
        {"blockLength": "long"},
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(changes: Any) -> None:
    """Whole, or not at all; and it is said which part."""
    refused = read_policy(DEFAULT, changes, ("some_rule",))
    assert isinstance(refused, Refused)
    assert [refused.field] == list(changes)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({}, {}, ()),
        ({}, {"severities": {"low": ["alert"]}}, ()),
        ({}, {"severities": {"high": ["alert"]}}, ("high: endExemption, revokeSessions",)),
        ({}, {"rules": {"some_rule": ["note"]}},
         ("some_rule, medium: alert", "some_rule, high: alert, endExemption, revokeSessions")),
        ({"rules": {"some_rule": ["alert", "killSwitch"]}}, {"rules": {}},
         ("some_rule, low: alert, killSwitch", "some_rule, medium: killSwitch", "some_rule, high: killSwitch")),
        ({}, {"confirmed": ["alert"], "blockLength": "PT10M"},
         ("confirmed: endExemption, revokeSessions", "blockLength: PT10M")),
    ],
)  # fmt: skip
def test_what_is_done_no_more_is_named(old: Any, new: Any, told: tuple[str, ...]) -> None:
    """By severity, and by rule where a rule has its own."""
    before = read(old)
    assert weakened(before, read(new, before)) == told


def test_what_two_policies_say_otherwise_is_told_part_by_part() -> None:
    """A severity, a rule that is named or no more, a length; nothing of the same one, which has one version."""
    changes = {"severities": {"high": ["alert"]}, "rules": {"reported": ["note"]}, "blockLength": "PT2H"}
    new = read_policy(DEFAULT, changes, ["reported"])
    assert isinstance(new, ResponsePolicy)
    assert differences(DEFAULT, new) == (
        ("severities.high", "alert, endExemption, revokeSessions", "alert"),
        ("rules.reported", "", "note"),
        ("blockLength", "PT1H", "PT2H"),
    )
    assert differences(new, DEFAULT)[1] == ("rules.reported", "note", "")
    assert differences(new, new) == ()
    assert version_of(new) == version_of(read_policy(DEFAULT, changes, ["reported"]))  # type: ignore[arg-type]
    assert version_of(new) != version_of(DEFAULT)
