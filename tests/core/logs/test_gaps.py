"""Entries that are gone (R15): an announced gap holds, any other is damage and is named."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.evidence import Damage, Report, verify
from ostiary.core.logs.export_lines import Leaf, write_line
from ostiary.core.logs.gaps import ANNOUNCEMENTS, SIGNATURE, Gaps, announcement, shown, signed_text, spans
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.retention import Needed, may_go
from ostiary.core.logs.told_people import ALWAYS, TELLING
from tests.core.logs.sealed import ORIGIN, Log, Signer, entry, hand_over, log


def saying(
    number: int, places: object, kind: str = Kind.LOG_PRUNED, *, stream: str = "main", signer: Signer | None = None,
    kept: object = None,
) -> dict[str, object]:  # fmt: skip
    """An announcement, signed."""
    detail = {"places": places, "count": 1, "reason": "kept for 365 days"} | ({} if kept is None else {"kept": kept})
    told = {**entry(number, stream), "action": kind, "detail": detail}
    signature = shown((signer or Signer.of(1)).note(signed_text(ORIGIN, told)))
    return {**told, "detail": {**detail, SIGNATURE: signature}}


def gapped(
    places: Sequence[object], announced_at: int = 11, *, signer: Signer | None = None, kept: object = None
) -> Log:  # fmt: skip
    """A log in which the entry at place *announced_at* announces *places*."""
    made = log()
    stream, number = made.entries[announced_at]["stream"], made.entries[announced_at]["number"]
    assert isinstance(number, int)
    assert isinstance(stream, str)
    made.entries[announced_at] = saying(number, places, stream=stream, signer=signer, kept=kept)
    return made


def without(made: Log, lines: list[str], gone: tuple[int, ...]) -> list[str]:
    """An export in which only the hashes of the places *gone* are left."""
    whole = {write_line(leaf): leaf for leaf in made.leaves}
    return [
        write_line(Leaf(leaf.index, leaf.leaf, leaf.stream, leaf.number, None)) if leaf and leaf.index in gone else line
        for line, leaf in ((line, whole.get(line)) for line in lines)
    ]


def judged(places: Sequence[object], gone: tuple[int, ...], end: int = 12, announced_at: int = 11) -> Report:
    """What an export up to *end* proves."""
    made = gapped(places, announced_at)
    return verify(without(made, made.export(0, end), gone), made.signer.key)


def test_r15_an_announced_gap_holds_and_is_told() -> None:
    """The hashes are enough for the tree, and the announcement for the gap; the report says who announced what."""
    report = judged([[1, 3], [5, 5]], (1, 2, 3, 5))
    assert (report.found, report.gone, report.entries) == (None, 4, 12)
    (one,) = report.announcements
    assert (one.place, one.kind, one.places, one.size) == (11, Kind.LOG_PRUNED, ((1, 3), (5, 5)), 4)


def test_r15_what_nothing_announces_is_damage_and_is_named() -> None:
    """One place more than was announced; lines of checkpoints between are counted."""
    report = judged([[1, 3], [5, 5]], (1, 2, 3, 4, 5))
    assert report.found is not None
    assert (report.found.damage, report.found.line) == (Damage.REMOVED, 8)
    assert "entry 4 is not in the journal any more" in report.found.text


def test_r15_an_announcement_after_the_exports_end_is_not_believed_unseen() -> None:
    """While the log goes on, a gap is neither proved nor damage: it says what to look at."""
    report = judged([[1, 2]], (1, 2), end=4)
    assert report.found is not None
    assert (report.found.damage, report.found.line, report.found.last) == (Damage.UNPROVEN, 3, 4)
    assert judged([[1, 2]], (1, 2)).found is None


def test_r15_nothing_announces_what_comes_after_it_or_itself() -> None:
    """Nor does an announcement count whose places cannot be read, in part or whole."""
    wrong: tuple[list[object], ...] = (
        [[7, 9]],
        [[4, 4]],
        [[1, 2], [9, 8]],
        [[1, 2], "all"],
        [[True, 2]],
        [[-1, 2]],
    )
    for places in wrong:
        report = judged(places, (1, 7), announced_at=4)
        assert report.found is not None, places
        assert report.found.damage is Damage.REMOVED


def test_r15_an_announcement_that_was_changed_announces_nothing() -> None:
    """It is an entry like others: one place more in it, and its hash is another."""
    made = gapped([[1, 1]])
    lines = without(made, made.export(0, 12), (1, 2))
    at = lines.index(write_line(made.leaves[11]))
    forged = json.loads(lines[at])
    forged["entry"]["detail"]["places"] = [[1, 2]]
    lines[at] = json.dumps(forged, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    found = verify(lines, made.signer.key).found
    assert found is not None
    assert found.damage is Damage.CHANGED


def announced(content: dict[str, object], at: int = 11) -> bool:
    """Whether *content*, sealed at place *at*, announces place 1, which is gone."""
    made = log()
    made.entries[at] = content
    found = verify(without(made, made.export(0, 12), (1,)), made.signer.key).found
    assert found is None or found.damage is Damage.REMOVED
    return found is None


def test_r15_an_announcement_that_the_logs_key_did_not_sign_announces_nothing() -> None:
    """A checkpoint covers what somebody wrote into the database; no signature, another's, or one of another entry."""
    number = log().entries[11]["number"]
    assert isinstance(number, int)
    good = saying(number, [[1, 1]])
    detail, other = good["detail"], saying(number, [[2, 2]])["detail"]
    assert isinstance(detail, dict)
    assert isinstance(other, dict)
    assert announced(good)
    assert not announced(saying(number, [[1, 1]], signer=Signer.of(2)))
    assert not announced(saying(number, [[1, 1]], signer=Signer.of(1, "other.example.com/ostiary")))
    assert not announced({**good, "action": Kind.LOG_ERASED})
    assert not announced({**saying(number + 1, [[1, 1]]), "number": number})
    assert not announced({**saying(number, [[1, 1]], stream="other"), "stream": "main"})
    for wrong in ("", "AAAA", "no base64", "ä", other[SIGNATURE], 7, None):
        assert not announced({**good, "detail": {**detail, SIGNATURE: wrong}}), wrong
    assert not announced({**good, "detail": {**detail, "reason": "another"}})
    assert not announced({**good, "detail": {name: value for name, value in detail.items() if name != SIGNATURE}})


def test_r15_a_key_announces_gaps_for_as_long_as_it_signs_checkpoints() -> None:
    """Through the hand-over both are believed; an old key, which may be stolen, not in what came after it."""
    old, new = Signer.of(1), Signer.of(2)
    for at, signer, holds in ((7, old, True), (7, new, False), (11, new, True), (11, old, False)):
        made = gapped([[1, 2]], at, signer=signer)
        made.hand_overs, made.signers = (hand_over(old, new, 9),), {12: new}
        lines = without(made, made.export(0, 12), (1, 2))
        for key in (old.key, new.key):
            assert (verify(lines, key).found is None) is holds, (at, signer.key)


PLACES = st.sets(st.integers(0, 40))


@given(PLACES, st.lists(PLACES, max_size=4))
def test_r15_gaps_are_compared_as_sets(gone: set[int], announced: list[set[int]]) -> None:
    """However many announcements, in whatever pieces: the first place that none names is the one that is told."""
    gaps = Gaps(ORIGIN, lambda note, size: note.signed_by(Signer.of(1).key))
    for place in sorted(gone):
        gaps.gone(place, place + 2)
    for number, places in enumerate(announced):
        gaps.met(100 + number, saying(1, spans(sorted(places))))
    left = sorted(gone - set().union(*announced))
    found = gaps.unannounced()
    assert gaps.count == len(gone)
    assert (found and (found.first, found.line)) == ((left[0], left[0] + 2) if left else None)


@given(PLACES)
def test_r15_runs_of_places_name_each_once(places: set[int]) -> None:
    """What is announced is what went."""
    said = announcement(41, saying(1, spans(sorted(places))))
    assert said is not None
    assert [p for first, last in said.places for p in range(first, last + 1)] == sorted(places)


def test_r15_retention_never_takes_what_is_still_needed() -> None:
    """Announcements, what belongs to a live exemption, and what a person has still to be told."""
    needed = Needed({"ex1"}, {"u1": 50})
    assert not any(may_go(kind, "log", "{}", 1, needed) for kind in ANNOUNCEMENTS)
    assert not may_go(Kind.EXEMPTION_OPENED, "exemption:ex1", '{"target":"exemption:ex1"}', 1, needed)
    assert may_go(Kind.EXEMPTION_OPENED, "exemption:ex2", '{"target":"exemption:ex2"}', 1, needed)
    for kind in (*ALWAYS, *TELLING):
        assert not may_go(kind, "user:u1", "{}", 51, needed)
        assert may_go(kind, "user:u1", "{}", 49, needed)
        assert may_go(kind, "user:gone", "{}", 51, needed)
    assert may_go(Kind.USER_CHANGED, "user:u1", "{}", 51, needed)


@pytest.mark.parametrize(
    ("kept", "found"),
    [(1, None), (2, (Damage.EARLY, 3)), (365, (Damage.EARLY, 3)), (0, None), (-9, None), ("365", None), (True, None)],
)
def test_r15_what_went_by_its_age_was_sealed_for_that_long(kept: object, found: tuple[Damage, int] | None) -> None:
    """All of this log was sealed within one second; a day is granted to checkpoints that were thinned."""
    made = gapped([[1, 3], [5, 5]], kept=kept)
    report = verify(without(made, made.export(0, 12), (1, 2, 3, 5)), made.signer.key)
    assert (report.found and (report.found.damage, report.found.line)) == found
    part = verify(without(made, made.export(4, 12), (5,)), made.signer.key)  # what went before it is not judged
    assert (part.found and part.found.damage) == (found and found[0])
    none = verify(without(made, made.export(9, 12), ()), made.signer.key)
    assert none.found is None


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_the_first_that_is_gone_is_found(gone: set[int], first: int, last: int) -> None:
    """As by looking at each place."""
    gaps = Gaps(ORIGIN, lambda _note, _size: True)
    for place in sorted(gone):
        gaps.gone(place, place + 10)
    among = [place for place in sorted(gone) if first <= place <= last]
    found = gaps.first_gone(first, last)
    assert (found and (found.first, found.line)) == ((among[0], among[0] + 10) if among else None)
    assert found is None or all(place in gone for place in range(found.first, found.last + 1))
