"""The fold: batches do not matter, a rule that fails silences no other, and a flood of findings is counted."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Cause, Found, found
from ostiary.core.detections.fold import PER_SUBJECT, STRANGERS
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.replay import Replay
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, days, hours, minutes
from tests.core.detections.told import ALICE, APP, BOB, CAROL, FARAWAY, LAPTOP, NEARBY, NOW, RENTED, Journal, atlas, run

PEOPLE, MACHINES = (ALICE, BOB, CAROL), (LAPTOP, NEARBY, FARAWAY, RENTED, "2001:db8::1", "")
WATCHED = sorted({kind for rule in RULES for kind in rule.watches})

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([
    "user", "user_name", "client", "client_name", "scopes", "session", "exemption", "key", "device", "reason",
    "oddities", "facts", "count", "ends", "before", "after", "weakened", "limits", "break_glass", "source", "locked",
    "rules", "approved", "about", "owner", "detail", "starts", "took_over",
])  # fmt: skip
_ENTRY = st.tuples(
    st.sampled_from(WATCHED),
    st.sampled_from(["s1", "s2", ""]),
    st.sampled_from(["nobody", "user:a11ce", "user:b0b", "application:x", "system:job"]),
    st.sampled_from(["", "user:a11ce", "session:x", "exemption:e", "application:app-one", "device:d"]),
    st.sampled_from(MACHINES),
    st.dictionaries(_NAMES, _JSON | st.sampled_from([*PEOPLE, APP]), max_size=6),
    st.integers(0, hours(30)),
)


def _entries(told: Iterable[tuple[Any, ...]]) -> list[Recorded]:
    at, entries = NOW, []
    for number, (kind, story, actor, target, address, detail, wait) in enumerate(told, 1):
        at = Instant(at + wait)
        body = {"address": address, "agent": "x/1", "detail": detail}
        entries.append(Recorded(number, "n1", number, kind, at, story, actor, target, body))
    return entries


@settings(max_examples=60, deadline=None)
@given(st.lists(_ENTRY, max_size=24))
def test_no_rule_fails_and_no_cut_matters(told: list[tuple[Any, ...]]) -> None:
    """Whatever an entry's detail holds, no rule raises; in batches of one or of many the findings are the same."""
    entries = _entries(told)
    whole = run(entries)
    assert whole.faults == []
    single, few = run(entries, size=1), run(entries, size=7)
    assert whole.findings == single.findings == few.findings
    assert whole.held_back == single.held_back == few.held_back


@settings(max_examples=25, deadline=None)
@given(st.lists(_ENTRY, min_size=1, max_size=12))
def test_findings_are_bounded_text_without_what_was_not_named(told: list[tuple[Any, ...]]) -> None:
    """R21: a finding has room for so much; it can be written as JSON."""
    for finding in run(_entries(told)).findings:
        assert len(orjson.dumps(dict(finding.evidence))) <= 16 * 16 * 1100
        assert len(finding.sentence.encode()) <= 512


def test_r17_findings_hold_no_secret() -> None:
    """R17: what looks like a code, a token or a number to type in an entry's detail does not come out of it."""
    secret = "GHJK-LMNP-secret"
    told = Journal()
    for rule in RULES:
        for kind in sorted(rule.watches):
            hidden = {"user_code": secret, "device_code": secret, "token": secret, "number": secret, "jti": secret,
                      "data": secret, "salt": secret}  # fmt: skip
            told.add(kind, story="s1", actor=f"user:{ALICE}", target=f"user:{ALICE}", address=FARAWAY, **hidden)
    assert secret not in repr(run(told.entries).findings)


SEEN = Memory("probe", days(1), most=3)


def _probe(**more: Any) -> Rule:
    def look(event: Event, past: Past) -> Found:
        return found("Seen.", subject=event.entry)

    given = {"id": "probe", "watches": frozenset({Kind.STARTED, Kind.REDEEMED}), "look": look, **more}
    return replace(RULES[0], **{"keys": lambda event: (), **given})


def test_a_rule_that_raises_silences_no_other() -> None:
    """It is told of, and the others go on; whether it fails at its keys or when it looks."""

    def broken(event: Event, past: Past) -> Found:
        raise ValueError("planted: holds a secret")

    def keyless(event: Event) -> Iterable[Key]:
        raise LookupError("planted")

    told = Journal()
    told.start()
    folded = run(told.entries, (_probe(id="first", look=broken), _probe(id="second", keys=keyless), _probe(id="third")))
    assert [finding.rule for finding in folded.findings] == ["second", "third"]
    faults = {(fault.rule, fault.error) for fault in folded.faults}
    assert faults == {("first", "ValueError"), ("second", "LookupError")}
    assert "secret" not in repr(folded.faults)


def test_a_rule_may_not_look_at_what_it_did_not_name() -> None:
    """Live, that track would be empty and nobody would notice."""

    def look(event: Event, past: Past) -> Found | None:
        past.of(SEEN.of("somebody"))
        return None

    told = Journal()
    told.start()
    assert [fault.error for fault in run(told.entries, (_probe(look=look),)).faults] == ["KeyError"]


def test_r21_findings_about_one_source_are_counted_beyond_the_first() -> None:
    """R21: somebody without an account fills no table; a person is not silenced by them."""
    told = Journal()
    for _ in range(PER_SUBJECT + 5):
        told.at = NOW
        told.start(RENTED)
    told.redeem("s1", ALICE)
    folded = run(told.entries, (_probe(),))
    assert len(folded.findings) == PER_SUBJECT + 1
    assert sum(folded.held_back.values()) == 5
    assert folded.findings[-1].user == ALICE


def test_r21_strangers_together_are_bounded_and_silence_nobody() -> None:
    """R21: from however many addresses, there is an end; findings about people do not count."""
    told = Journal()
    for number in range(STRANGERS + 50):
        told.at = NOW
        told.start(f"10.{number // 250}.{number % 250}.1")
    told.redeem("s1", ALICE)
    folded = run(told.entries, (_probe(),))
    assert len(folded.findings) == STRANGERS + 1
    assert folded.findings[-1].user == ALICE


def test_in_the_next_hour_there_is_room_again() -> None:
    """The bound is of an hour."""
    told = Journal()
    for _ in range(PER_SUBJECT):
        told.at = NOW
        told.start(RENTED)
    told.wait(hours(1))
    told.start(RENTED)
    assert len(run(told.entries, (_probe(),)).findings) == PER_SUBJECT + 1


def test_memory_is_bounded_in_number_and_time() -> None:
    """The oldest mark goes; one that is older than the memory lasts is not there."""
    key = SEEN.of(ALICE)
    past = Past([key], {})
    for number in range(5):
        past.now = Instant(NOW + minutes(number))
        past.mark(key, str(number))
    assert [mark.value for mark in past.of(key)] == [("2",), ("3",), ("4",)]
    past.now = Instant(NOW + days(1) + minutes(3))
    assert [mark.value for mark in past.of(key)] == [("4",)]
    past.now = Instant(NOW + days(3))
    assert past.of(key) == ()


def test_what_is_known_is_kept_once_and_stays_while_it_is_seen() -> None:
    """A set with times: seeing a value again late enough makes it count for longer."""
    key = SEEN.of(ALICE)
    past = Past([key], {})
    past.now = NOW
    assert not past.know(key, "x")
    past.now = Instant(NOW + hours(20))
    assert past.know(key, "x")
    past.now = Instant(NOW + hours(40))
    assert past.know(key, "x")
    assert len(past.of(key)) == 1


def test_a_long_key_stands_by_its_digest() -> None:
    """R21: text from outside makes no long keys, and two of them stay two."""
    one, other = SEEN.of("x" * 500), SEEN.of("x" * 499 + "y")
    assert one != other
    assert len(one.text) < 100


@pytest.mark.parametrize("value", ["x" * 5000, "line\nbreak"])
def test_r21_what_a_finding_says_is_tamed(value: str) -> None:
    """R21: text from outside is cut and escaped in sentence and evidence."""
    seen = found(value, subject="x", text=value, texts=[value])
    assert all(text.isprintable() and len(text) <= 512 for text in (seen.sentence, str(seen.evidence["text"])))


@settings(max_examples=30, deadline=None)
@given(st.lists(_ENTRY, max_size=16), st.integers(0, hours(60)))
def test_a_replay_finds_what_was_found_live(told: list[tuple[Any, ...]], passed: int) -> None:
    """The same fold over the same entries, a finding once; what lies before its beginning is remembered alone."""
    entries, since = _entries(told), Instant(NOW + passed)
    replay, new = Replay(RULES), []
    for place in range(0, len(entries), 5):
        new += replay.feed(entries[place : place + 5], atlas, since=since)
    live = {finding.id for finding in run(entries).findings if finding.at >= since}
    assert {finding.id for finding in new} == live
    assert len(live) == sum(replay.counts.values()) <= len(new)  # what rose is told again, and counted once


def test_a_finding_that_rises_is_told_again() -> None:
    """By a replay, and by one that goes on from it: a stranger's does not hide what the holder of a token does."""
    told = Journal()
    told.start(RENTED)
    told.redeem("s1", ALICE)
    told.redeem("s1", ALICE)
    probe = _probe(look=lambda event, past: found("Seen.", subject="x"))
    replay = Replay((probe,))
    branch = replay.branch()
    causes = [Cause.ANYBODY, Cause.HOLDER]
    assert [finding.cause for finding in branch.feed(told.entries, atlas)] == causes
    assert [finding.cause for finding in replay.feed(told.entries, atlas)] == causes  # the branch kept what it read
    assert replay.counts == branch.counts == {"probe": 1}
    assert replay.branch().feed(told.entries, atlas) == []


def test_what_comes_again_uses_up_nothing() -> None:
    """One thing seen a hundred times is one finding of the hour: the next thing is kept."""
    told = Journal()
    for number in range(100):
        told.at = NOW
        told.by(ALICE, Kind.REDEEMED, "s1" if number < 99 else "s2")
    folded = run(told.entries, (_probe(look=lambda event, past: found("Seen.", subject=event.story)),))
    assert folded.held_back == {}
    assert len({finding.id for finding in folded.findings}) == 2


@pytest.mark.parametrize("rule", ["recon", "codes_guessed", "code_relay"])
def test_what_is_counted_by_source_blames_nobody(rule: str) -> None:
    """Whoever is the last of many at an address is not risky for what the others did."""
    told = Journal()
    for number in range(24):
        story = told.start(RENTED)
        kind = {"recon": Kind.SIGN_IN_REFUSED, "codes_guessed": Kind.CODE_WRONG}.get(rule, Kind.CLAIMED)
        told.by(f"person{number}", kind, story, FARAWAY)
    made = run(told.entries, (BY_ID[rule],)).findings
    assert made
    assert {finding.cause for finding in made} == {Cause.ANYBODY}
