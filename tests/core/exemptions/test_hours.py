"""Allowed hours: in a named zone, over midnight, over a change of the clocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.exemptions.hours import Hours, Stretch, clock_minutes, hours_document, hours_from, zone_exists
from ostiary.core.words.instants import Instant, days, from_iso, hours

OFFICE = Hours("Europe/Zurich", (Stretch(frozenset(range(5)), 8 * 60, 18 * 60),))
ALWAYS = Hours("UTC", (Stretch(frozenset(range(7)), 0, 1440),))
NIGHT = Hours("UTC", (Stretch(frozenset({4}), 20 * 60, 1440), Stretch(frozenset({5}), 0, 6 * 60)))


def at(text: str) -> Instant:
    """A moment."""
    return from_iso(text)


@pytest.mark.parametrize(
    ("week", "moment", "closes"),
    [
        (OFFICE, "2026-11-23T07:00:00Z", "2026-11-23T17:00:00Z"),  # Monday, 08:00 in Zurich
        (OFFICE, "2026-11-23T06:59:59Z", None),
        (OFFICE, "2026-11-23T17:00:00Z", None),
        (OFFICE, "2026-11-22T10:00:00Z", None),  # Sunday
        (OFFICE, "2026-07-06T06:00:00Z", "2026-07-06T16:00:00Z"),  # summer time
        (NIGHT, "2026-11-27T21:00:00Z", "2026-11-28T06:00:00Z"),  # over midnight
        (NIGHT, "2026-11-28T06:00:00Z", None),
        (Hours("Nowhere/Atlantis", OFFICE.stretches), "2026-11-23T10:00:00Z", None),
    ],
)
def test_a_stretch_opens_and_closes_by_the_clock_of_its_zone(week: Hours, moment: str, closes: str | None) -> None:
    """Outside of it, and in a zone that nobody knows, nothing is allowed."""
    now = at(moment)
    assert week.inside(now) is (closes is not None)
    assert week.until(now) == (now if closes is None else at(closes))


def test_every_hour_of_the_week_has_no_end_in_sight() -> None:
    """Stretches that touch are one: an exemption is not cut at midnight."""
    now = at("2026-11-23T23:30:00Z")
    assert ALWAYS.until(now) - now > hours(24)


@given(st.integers(0, days(400)))
def test_inside_until_it_closes(offset: int) -> None:
    """Whatever the moment: inside up to the end of the stretch, and not at its end."""
    now = Instant(at("2026-01-01T00:00:00Z") + offset)
    closes = OFFICE.until(now)
    assert OFFICE.inside(now) is (closes > now)
    if closes > now:
        assert OFFICE.inside(Instant(closes - 1))
        assert not OFFICE.inside(closes)


def test_hours_are_kept_as_they_are() -> None:
    """What is stored with an exemption comes back the same; what is not hours does not."""
    assert hours_from(hours_document(NIGHT)) == NIGHT
    wrong = hours_document(NIGHT) | {"weekly": [{"days": ["monday"], "from": "18:00", "to": "08:00"}]}
    with pytest.raises(ValueError, match="stretch"):
        hours_from(wrong)


@pytest.mark.parametrize("text", ["8:00", "08:60", "25:00", "24:01", "0800", "ab:cd", None, "08:0a"])
def test_a_time_is_hours_and_minutes(text: object) -> None:
    """Nothing else is taken for one."""
    assert clock_minutes(text) is None


def test_the_end_of_a_day_is_a_time_and_zones_are_known_by_name() -> None:
    """24:00 closes a day."""
    assert (clock_minutes("24:00"), clock_minutes("08:30")) == (1440, 510)
    assert [zone_exists(name) for name in ("Europe/Zurich", "../etc/passwd", "", "x" * 65)] == [
        True,
        False,
        False,
        False,
    ]
