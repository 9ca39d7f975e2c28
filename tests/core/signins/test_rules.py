"""User codes, the polling pace and how many codes may be open."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.signins import user_code
from ostiary.core.signins.pace import GROSS, SLOWER, Pace, step
from ostiary.core.words.instants import Instant, after, seconds

MOST = 8_000_000  # live codes at most (R10)


@given(st.integers(1, MOST))
def test_r10_one_guess_hits_with_at_most_2_to_the_minus_24_6(live: int) -> None:
    """R10: the odds of one guess, computed for any number of live codes."""
    letters = user_code.length(live)
    assert letters is not None
    assert log2(live) - letters * log2(len(user_code.ALPHABET)) <= -24.59


@pytest.mark.parametrize(
    ("live", "letters"),
    [(1, 8), (1_000, 8), (1_001, 9), (20_000, 9), (20_001, 10), (400_000, 10), (400_001, 11), (MOST, 11)],
)
def test_r10_codes_grow_with_the_load(live: int, letters: int) -> None:
    """R10: the steps, each at its edge, where the odds are worst."""
    assert user_code.length(live) == letters
    assert live / 20**letters <= 2**-24.57


def test_r10_none_is_issued_above_eight_million() -> None:
    """R10: rather none than one that is easy to hit."""
    assert user_code.length(MOST + 1) is None


@given(st.text(user_code.ALPHABET, min_size=8, max_size=11))
def test_a_code_is_read_as_it_is_shown_in_any_case(code: str) -> None:
    """Case, dashes and spaces are forgiven."""
    shown = user_code.spaced(code)
    assert user_code.normal(shown) == user_code.normal(f"  {shown.lower().replace('-', ' ')}\n") == code


def test_a_very_long_line_is_not_read_to_its_end() -> None:
    """What is typed is bounded before it is looked at."""
    assert len(user_code.normal("B" * 10_000)) == user_code.LONGEST_TYPED


NOW = Instant(1_000_000_000)


def test_polls_in_time_are_never_told_to_slow_down() -> None:
    """A second of jitter is in time."""
    pace, now = Pace(seconds(5)), NOW
    for _ in range(50):
        pace, slow = step(pace, now, lenient=False)
        assert not slow
        now = after(now, seconds(4))


def test_an_early_poll_slows_a_strict_pace_by_five_seconds_for_good() -> None:
    """RFC 8628 §3.5."""
    pace, _ = step(Pace(seconds(5)), NOW, lenient=False)
    pace, slow = step(pace, NOW, lenient=False)
    assert slow
    assert pace.interval == seconds(5) + SLOWER
    _, slow = step(pace, after(NOW, seconds(5)), lenient=False)
    assert slow


def test_a_lenient_pace_forgives_until_it_is_gross() -> None:
    """Duplicates and jitter pass; hammering does not."""
    pace, slow = step(Pace(seconds(5)), NOW, lenient=True)
    answers = []
    for _ in range(GROSS + 1):
        pace, slow = step(pace, NOW, lenient=True)
        answers.append(slow)
    assert answers == [False] * GROSS + [True]
