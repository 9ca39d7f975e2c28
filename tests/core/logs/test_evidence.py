"""What an export proves (R15): the first line that was tampered with is named, and what cannot be known is said."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.logs.checkpoint import Malformed, Note, read_checkpoint, read_key, read_note
from ostiary.core.logs.evidence import Damage, Kept, Report, verify
from ostiary.core.logs.export_lines import canonical_text, write_line
from tests.core.logs.sealed import Log, Signer, entry, hand_over, leaf_of, log

LOG = log()
KEY = LOG.signer.key
WHOLE = LOG.export(0, 12)
# Lines: 1 header, 2-4 entries 0-2, 5 checkpoint, 6 entry 3, 7 checkpoint, 8-12 entries 4-8, 13 checkpoint, 14-16, 17


def found(lines: list[str], log: Log = LOG, kept: Note | None = None) -> tuple[Damage, int] | None:
    """What and where."""
    report = verify(lines, log.signer.key, kept)
    return None if report.found is None else (report.found.damage, report.found.line)


def edited(line: str, **more: object) -> str:
    """An entry's line with another detail, and nothing else."""
    value = json.loads(line)
    value["entry"]["detail"] |= more
    return canonical_text(value)


def rehashed(line: str, **more: object) -> str:
    """The same with its hash made anew."""
    value = json.loads(edited(line, **more))
    return write_line(leaf_of(value["index"], value["entry"]))


def test_r15_an_untouched_export_holds() -> None:
    """The whole log, and any part of it between two checkpoints."""
    report = verify(WHOLE, KEY)
    assert report == Report(12, 0, 12, None, read_checkpoint(LOG.checkpoint(12)).at, Kept.NONE, None)
    part = verify(LOG.export(4, 9), KEY)
    assert (part.found, part.entries, part.first, part.size) == (None, 5, 4, 9)
    assert part.begins == read_checkpoint(LOG.checkpoint(4)).at


@settings(max_examples=600)
@given(st.data())
def test_r15_one_bit_anywhere_is_found(data: st.DataObject) -> None:
    """Whatever character of whatever line becomes another: found, and no line before it is blamed."""
    n = data.draw(st.integers(0, len(WHOLE) - 1))
    at = data.draw(st.integers(0, len(WHOLE[n]) - 1))
    other = chr(ord(WHOLE[n][at]) ^ 1 << data.draw(st.integers(0, 6)))
    lines = [*WHOLE[:n], WHOLE[n][:at] + other + WHOLE[n][at + 1 :], *WHOLE[n + 1 :]]
    report = verify(lines, KEY)
    assert report.found is not None
    first, last = report.found.line, report.found.last or report.found.line
    assert n == 0 or first <= n + 1 <= last  # the header tells of the whole file


@given(st.integers(0, 11))
def test_r15_a_changed_row_is_named(n: int) -> None:
    """The row, whichever it is."""
    line = WHOLE.index(write_line(LOG.leaves[n]))
    assert found([*WHOLE[:line], edited(WHOLE[line], user_name="Eve"), *WHOLE[line + 1 :]]) == (
        Damage.CHANGED, line + 1,
    )  # fmt: skip


@given(st.integers(0, len(WHOLE) - 1), st.integers(0xD800, 0xDFFF), st.booleans())
def test_r15_half_a_surrogate_pair_is_a_line_that_was_never_sealed(n: int, half: int, escaped: bool) -> None:
    """As it is, or as JSON's escape; in whatever line: named, and nothing raises."""
    at = WHOLE[n].index(":") + 2
    put = f"\\u{half:04x}" if escaped else chr(half)
    assert found([*WHOLE[:n], WHOLE[n][:at] + put + WHOLE[n][at:], *WHOLE[n + 1 :]]) == (Damage.UNREADABLE, n + 1)


def test_r15_a_row_rewritten_with_its_hash_is_found_between_two_checkpoints() -> None:
    """All that can be said is between which lines: every one of them was signed for only together."""
    line = 8  # entry 5
    report = verify([*WHOLE[:line], rehashed(WHOLE[line], user_name="Eve"), *WHOLE[line + 1 :]], KEY)
    assert report.found is not None
    assert (report.found.damage, report.found.line, report.found.last) == (Damage.REWRITTEN, 8, 12)
    assert (report.entries, report.size) == (4, 4)  # what came before holds


def test_r15_a_removed_row_is_named() -> None:
    """Between others, and the last before a checkpoint; also where the places were numbered anew."""
    assert found([*WHOLE[:8], *WHOLE[9:]]) == (Damage.REMOVED, 9)
    assert found([*WHOLE[:11], *WHOLE[12:]]) == (Damage.REMOVED, 12)
    rest = [write_line(leaf_of(index, content)) for index, content in enumerate(LOG.entries[5:9], 4)]
    renumbered = [*WHOLE[:7], *rest, *WHOLE[12:]]
    assert found(renumbered) == (Damage.REMOVED, 12)  # four lines where the checkpoint covers five


def test_r15_a_swap_is_named() -> None:
    """Two neighbours, and two that stand apart."""
    assert found([*WHOLE[:8], WHOLE[9], WHOLE[8], *WHOLE[10:]]) == (Damage.MOVED, 9)
    assert found([*WHOLE[:7], WHOLE[11], *WHOLE[8:11], WHOLE[7], *WHOLE[12:]]) == (Damage.MOVED, 8)


@pytest.mark.parametrize("place", [4, 5, 8])
def test_r15_an_inserted_row_is_named(place: int) -> None:
    """One that was made up, one that stands there already, and one at the end of a checkpoint's lines."""
    made_up = write_line(leaf_of(place, entry(99)))
    line = WHOLE.index(write_line(LOG.leaves[place]))
    damage, where = found([*WHOLE[:line], made_up, *WHOLE[line:]]) or (None, 0)
    assert damage in (Damage.INSERTED, Damage.REMOVED)
    assert line + 1 <= where <= line + 2
    assert found([*WHOLE[: line + 1], *WHOLE[line:]]) == (Damage.INSERTED, line + 2)


def test_r15_what_was_taken_from_the_journal_itself_is_named() -> None:
    """A row that is gone but for its hash, and one that was removed before it was sealed."""
    leaf = LOG.leaves[5]
    gone = canonical_text({"index": 5, "leaf": leaf.leaf.hex(), "number": leaf.number, "stream": leaf.stream})
    assert found([*WHOLE[:8], gone, *WHOLE[9:]]) == (Damage.REMOVED, 9)
    log_ = Log([entry(1), entry(2), entry(4)], (3,))
    assert found(log_.export(0, 3), log_) == (Damage.REMOVED, 4)


def test_r15_a_checkpoint_that_another_signed_is_refused() -> None:
    """Somebody without the key rewrites everything and signs it with their own."""
    other = Log(LOG.entries, LOG.seals, Signer.of(2))
    assert verify(other.export(0, 12), KEY).found == (
        5, Damage.UNSIGNED, "a checkpoint that neither the given key nor one after it signed", 0,
    )  # fmt: skip


def test_r15_the_end_of_the_file_is_missed() -> None:
    """After an entry, and after a checkpoint."""
    assert found(WHOLE[:-3]) == (Damage.CUT, 14)
    assert found(WHOLE[:13]) == (Damage.CUT, 13)
    assert found([]) == (Damage.UNREADABLE, 1)


@pytest.mark.parametrize(("kept", "start"), [(3, 0), (4, 4), (9, 4), (12, 9), (3, 9), (4, 9)])
def test_r15_a_kept_checkpoint_is_met(kept: int, start: int) -> None:
    """Within the export, at its beginning, and long before it."""
    assert verify(LOG.export(start, 12, kept=kept), KEY, LOG.checkpoint(kept)).kept is Kept.SAME


def test_r15_without_the_way_from_it_nothing_is_said() -> None:
    """The kept checkpoint lies before the export, which was made without it; or after its end."""
    assert verify(LOG.export(9, 12), KEY, LOG.checkpoint(3)).kept is Kept.UNKNOWN
    assert verify(LOG.export(4, 9), KEY, LOG.checkpoint(12)).kept is Kept.UNKNOWN


@pytest.mark.parametrize("start", [0, 4, 9])
def test_r15_a_rewrite_by_the_holder_of_the_key_is_found_with_an_earlier_checkpoint(start: int) -> None:
    """Without one it is not known, and the report says so; with one the fork is found."""
    entries = list(LOG.entries)
    entries[2] = entry(3, user_name="never was")
    rewritten = Log(entries, LOG.seals)
    blind = verify(rewritten.export(start, 12), KEY)
    assert (blind.found, blind.kept) == (None, Kept.NONE)
    assert found(rewritten.export(start, 12, kept=4), kept=LOG.checkpoint(4))[:1] == (Damage.FORKED,)  # type: ignore[index]


def test_r15_a_truncation_by_the_holder_of_the_key_is_found_with_a_later_checkpoint() -> None:
    """The log is shorter than it was."""
    shorter = Log(LOG.entries[:9], (3, 4, 9))
    assert verify(shorter.export(0, 9), KEY).found is None
    assert found(shorter.export(0, 9), kept=LOG.checkpoint(12)) == (Damage.CUT, 1)


def test_r15_a_kept_checkpoint_of_another_log_is_refused() -> None:
    """Another key signed it."""
    other = Log(LOG.entries, LOG.seals, Signer.of(2))
    assert found(WHOLE, kept=other.checkpoint(4)) == (Damage.UNSIGNED, 1)


OLD, NEW, NEWEST = Signer.of(1), Signer.of(2), Signer.of(3)
TURNED = Log(
    LOG.entries, LOG.seals, OLD, {9: NEW, 12: NEWEST}, (hand_over(OLD, NEW, 4), hand_over(NEW, NEWEST, 9))
)  # fmt: skip


@pytest.mark.parametrize("signer", [OLD, NEW, NEWEST])
def test_r15_whoever_trusts_one_key_can_go_on_to_the_others(signer: Signer) -> None:
    """Forwards and backwards, over two hand-overs."""
    assert verify(TURNED.export(0, 12), signer.key).found is None


@pytest.mark.parametrize(
    "notes",
    [(), (NEW.note(read_note(str(hand_over(OLD, NEW, 4))).text),), (OLD.note(hand_over(OLD, NEW, 4).text),)],
    ids=["none", "by the new one alone", "by the old one alone"],
)  # fmt: skip
def test_r15_a_hand_over_that_not_both_signed_leads_nowhere(notes: tuple[Note, ...]) -> None:
    """One signature is not enough."""
    turned = Log(LOG.entries, LOG.seals, OLD, {9: NEW, 12: NEW}, notes)
    assert found(turned.export(0, 12), turned) == (Damage.UNSIGNED, 13)


def test_r15_a_key_that_was_handed_over_signs_no_more() -> None:
    """Who found an old key cannot go on with the log."""
    late = Log(LOG.entries, LOG.seals, OLD, {9: NEW}, (hand_over(OLD, NEW, 4),))  # 12 by the old one
    assert found(late.export(0, 12), late) == (Damage.UNSIGNED, 17)


def test_r15_a_kept_note_reads_as_it_was_written() -> None:
    """Through files and mail of other systems too; what is not one is refused with a reason."""
    note = LOG.checkpoint(4)
    text = str(note)
    for kept in (text, text.replace("\n", "\r\n"), f"\n{text}\n\n"):
        assert read_note(kept) == note
    assert read_key(str(KEY)) == KEY
    wrong: list[Callable[[], object]] = [
        lambda: read_note("nothing"), lambda: read_note("a\n\nb\n"), lambda: read_note("x" * 70_000),
        lambda: read_key(str(KEY)[:-4]), lambda: read_key("name+00000000+AAAA"), lambda: read_key(""),
        lambda: read_checkpoint(Note("a\nb\nc\nd\n")), lambda: read_checkpoint(Note(note.text + "more\n")),
        lambda: read_checkpoint(Note(note.text.replace("\n4\n", "\n04\n"))),
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(Malformed):
            each()


def test_r15_one_kept_checkpoint_that_was_met_does_not_speak_for_the_others() -> None:
    """One after the end, and one before the beginning that the header does not have: each counts until it is met."""
    report = verify(LOG.export(4, 9), KEY, LOG.checkpoint(4), LOG.checkpoint(12))
    assert (report.found, report.kept, report.unmet) == (None, Kept.UNKNOWN, 1)
    report = verify(LOG.export(9, 12, kept=4), KEY, LOG.checkpoint(3), LOG.checkpoint(4))
    assert (report.found, report.kept, report.unmet) == (None, Kept.UNKNOWN, 1)
    report = verify(WHOLE, KEY, *(LOG.checkpoint(size) for size in LOG.seals))
    assert (report.found, report.kept, report.unmet) == (None, Kept.SAME, 0)


@pytest.mark.parametrize("end", [0, 12])
def test_r15_a_file_without_a_signature_is_no_proof(end: int) -> None:
    """One line that says that the log is empty, and an export whose newest checkpoint is older than its end."""
    header = json.loads(WHOLE[0])
    lines = [canonical_text(header | {"end": 0, "newest": None})]
    if end:
        lines = [canonical_text(header | {"newest": str(LOG.checkpoint(9))}), *WHOLE[1:]]
    assert found(lines) == (Damage.CUT, 1)
