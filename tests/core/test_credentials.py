"""What a password must be, and how wrong ones are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.directory.credentials import (
    FACTOR_ACCOUNT,
    FACTOR_PAIR,
    LONGEST,
    PASSWORD_ACCOUNT,
    PASSWORD_PAIR,
    PASSWORD_SOURCE,
    Counter,
    Growth,
    Rule,
    closed,
    flaw,
    normal_name,
    normal_password,
    pause,
    slowed,
    source_of,
    struck,
)
from ostiary.core.words.instants import Instant, Span, after, days, minutes, seconds

NOW = Instant(1_800_000_000_000_000)
RULE = Rule(minutes(10), 3, minutes(15))


@pytest.mark.parametrize(
    "password",
    ["the porter sleeps", "zehn Zeichen", "ŝlosilo kaj pordo", "correct horse battery staple", "x9!kQ2z_Lp"],
)
def test_length_is_enough(password: str) -> None:
    """No composition rules (SP 800-63B-4 §3.1.1.2)."""
    assert flaw(password, names=("alice@example.com", "Alice")) is None


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * (LONGEST + 1) + "bcdef",
        "aaaaaaaaaaaa",
        "Password123!",
        "qwertyuiop",
        "1234567890",
        "iloveyou2026",
        "alice@example.com",
        "ALICE12345",
        "123alice2026",
    ],
)
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    """Too short, too long, one letter over and over, the usual ones, the own name."""
    assert flaw(password, names=("alice@example.com", "Alice"))


def test_a_name_inside_a_long_password_is_no_flaw() -> None:
    """What stands beside it is long enough by itself."""
    assert flaw("alice had a little lamb", names=("alice@example.com",)) is None
    assert flaw("bo likes the sea", names=("bo",)) is None


def test_one_keyboards_letters_are_anothers() -> None:
    """NFKC; names also lose case and outer spaces."""
    assert normal_password("ﬁne Café") == "fine Café"
    assert normal_name("  Ａlice@Example.COM ") == "alice@example.com"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "local"),
        ("nonsense", "local"),
    ],
)
def test_a_source_is_an_address_or_a_64(address: str, source: str) -> None:
    """R10."""
    assert source_of(address) == source


def test_the_limit_locks_and_a_lock_that_was_sat_out_starts_anew() -> None:
    """Not before, and not longer."""
    one = struck(None, NOW, RULE)
    two = struck(one, NOW, RULE)
    assert closed(two, NOW) is None
    three = struck(two, NOW, RULE)
    assert closed(three, NOW) == after(NOW, minutes(15))
    over = after(NOW, minutes(15))
    assert closed(three, over) is None
    assert struck(three, over, RULE) == Counter(over, 1)


def test_a_window_that_passed_is_forgotten() -> None:
    """Three tries in half an hour are no attack."""
    old = Counter(NOW, 2)
    assert struck(old, after(NOW, minutes(10)), RULE).count == 1
    assert struck(old, after(NOW, minutes(9)), RULE).count == 3


def test_growth_doubles_up_to_its_longest() -> None:
    """1, 2, 4, … and no further, however many come."""
    growth = Growth(minutes(60), 2, seconds(1), seconds(30))
    assert [pause(count, growth) for count in (1, 2, 3, 4, 5, 8, 9, 10_000)] == [
        0, 0, *(seconds(n) for n in (1, 2, 4, 30, 30, 30)),
    ]  # fmt: skip
    assert slowed(Counter(NOW, 9), after(NOW, minutes(60)), growth).count == 1


PACES = {
    "a password, one place": (PASSWORD_PAIR, 500),
    "passwords, one place, all accounts": (PASSWORD_SOURCE, 5_400),
    "a password, all places": (PASSWORD_ACCOUNT, 2_910),
    "a code, one place": (FACTOR_PAIR, 110),
    "a code, all places": (FACTOR_ACCOUNT, 40),
}
"""How each counter slows, and how many wrong tries a day it lets through at the most (decision 0011)."""


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
@given(gaps=st.lists(st.integers(0, 3_600_000_000), max_size=200))
def test_wrong_tries_never_close_for_longer_than_the_longest(pace: tuple[Growth, int], gaps: list[int]) -> None:
    """Whatever their rhythm."""
    counter, now = None, NOW
    for gap in gaps:
        now = after(now, Span(gap))
        counter = slowed(counter, now, pace[0])
        until = closed(counter, now)
        assert until is None or until <= after(now, pace[0].longest)


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
def test_guesses_a_day_are_bounded(pace: tuple[Growth, int]) -> None:
    """Somebody who guesses in each moment in which one is looked at, for ten days, gets no more than that a day."""
    growth, most = pace
    counter, now, end, looked_at = None, NOW, after(NOW, days(10)), 0
    while now < end:
        counter, looked_at = slowed(counter, now, growth), looked_at + 1
        now = closed(counter, now) or now
    assert most * 0.9 < looked_at / 10 <= most


def test_the_odds_of_a_stolen_password() -> None:
    """Three codes of 10^6 count at a time: below 1 in 8,000 a day from everywhere, 1 in 3,000 from a known browser."""
    assert PACES["a code, all places"][1] * 3 / 10**6 <= 1 / 8_000
    assert PACES["a code, one place"][1] * 3 / 10**6 < 1 / 3_000
