"""Numbers that are typed into forms: read whole or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.instants import hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.web.pages.page import LARGEST, whole_minutes, whole_number


@given(st.integers(0, 10**12) | st.text(alphabet="0123456789 .-+e٤²a", max_size=14))
def test_a_number_is_read_as_it_was_typed_or_not_at_all(typed: int | str) -> None:
    """Whatever is typed: never another number than it says, never one out of bounds, and every one within them."""
    text = str(typed)
    for most in (60, LARGEST):
        found = whole_number(text, most=most)
        plain = text.strip().isascii() and text.strip().isdigit()
        assert found is None or (plain and found == int(text) and 1 <= found <= most)
        if plain and len(text.strip()) <= 9:
            assert (found is not None) is (1 <= int(text) <= most)


def test_minutes_are_those_of_a_day() -> None:
    """No exemption lasts longer; what says no length is told at its field."""
    assert whole_minutes(" 45 ", field="length") == minutes(45)
    assert whole_minutes("1440", field="length") == hours(24)
    for text in ("", "0", "1441", "000045999", "4.5", "-5", "45 min", "9" * 5000):
        refused = whole_minutes(text, field="minutes")
        assert isinstance(refused, Refused), text
        assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "minutes")
