"""Moments as text."""

from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.core.words.instants import Instant, from_iso, to_datetime, to_iso

LAST = Instant(253_402_300_799_000_000)


@given(st.integers(0, LAST).map(Instant))
@example(Instant(0))
@example(Instant(1))
@example(LAST)
def test_a_moment_reads_as_it_was_written(moment: Instant) -> None:
    """To the microsecond, in one form of one length, from the epoch to the year 9999."""
    text = to_iso(moment)
    assert text == to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert from_iso(text) == moment
