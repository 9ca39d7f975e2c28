"""Entries that are gone (R15): an announced gap holds, any other is damage and is named."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.evidence import Damage, Report, verify
from ostiary.core.logs.export_lines import Leaf, write_line
from ostiary.core.logs.gaps import ANNOUNCEMENTS, Gaps, announcement, spans
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.retention import Needed, may_go
from ostiary.core.logs.told_people import ALWAYS, TELLING
from tests.core.logs.sealed import Log, entry, log


def saying(number: int, places: object, kind: str = Kind.LOG_PRUNED) -> dict[str, object]:
    """An announcement."""
    detail = {"places": places, "count": 1, "reason": "kept for 365 days"}
    return {**entry(number), "action": kind, "detail": detail}


def gapped(places: Sequence[object], announced_at: int = 11) -> Log:
    """A log in which the entry at place *announced_at* announces *places*."""
    made = log()
    stream, number = made.entries[announced_at]["stream"], made.entries[announced_at]["number"]
    assert isinstance(number, int)
    made.entries[announced_at] = {**saying(number, places), "stream": stream}
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


PLACES = st.sets(st.integers(0, 40))


@given(PLACES, st.lists(PLACES, max_size=4))
def test_r15_gaps_are_compared_as_sets(gone: set[int], announced: list[set[int]]) -> None:
    """However many announcements, in whatever pieces: the first place that none names is the one that is told."""
    gaps = Gaps()
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
