"""Patterns of justifications and tickets: what they find, what they refuse, and that nothing makes them slow."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.exemptions.pattern import MOST_TIMES, Pattern, read_pattern


def found(pattern: str, text: str) -> bool:
    """Whether *text* has what *pattern* describes."""
    read = read_pattern(pattern)
    assert isinstance(read, Pattern), read
    return read.found(text)


@pytest.mark.parametrize(
    ("pattern", "text", "yes"),
    [
        (r"INC-\d{4,6}", "fix INC-4412 now", True),
        (r"INC-\d{4,6}", "fix INC-44", False),
        (r"^INC-\d+$", "INC-1", True),
        (r"^INC-\d+$", " INC-1", False),
        (r"^INC-\d+$", "INC-1x", False),
        (r"CHG-\d+|INC-\d+", "see CHG-7", True),
        (r"a\|b", "a|b", True),
        (r"[|]", "|", True),
        (r"[^a-z ]", "abc d", False),
        (r"[^a-z ]", "abC", True),
        (r"[A-Z][a-z_]?\.", "xB.", True),
        (r"[\d\-]{3}", "1-2", True),
        (r"x.*y", "x and y", True),
        (r"x.?y", "x  y", False),
        (r"\w\s\w", "é z", True),
        (r"a{2}", "aba", False),
        (r"a{2}", "baa", True),
        (r"cost\$", "cost$", True),
    ],
)
def test_a_pattern_finds_what_it_describes(pattern: str, text: str, yes: bool) -> None:
    """Anywhere in the text, unless it is tied to an end."""
    assert found(pattern, text) is yes


@pytest.mark.parametrize(
    "pattern",
    ["", "a" * 201, "(a)", "a**", "*a", "a{", "a{3", "a{x}", "a{5,2}", "a{0}", f"a{{{MOST_TIMES + 1}}}", "[", "[]",
     "[z-a]", "a\\", r"\b", "a*", "a|", "a?b*", "x{64}" * 7, "a^b", "a]b", "a{100}"],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_a_reason(pattern: str) -> None:
    """Nested, unfinished, empty or unknown: an administrator hears it on save."""
    said = read_pattern(pattern)
    assert isinstance(said, str)
    assert said


def test_no_text_makes_a_pattern_slow() -> None:
    """What makes backtracking explode takes steps that grow with the text alone."""
    assert not found("a*a*a*a*a*a*a*a*b", "a" * 512)


_ATOM = st.sampled_from([r"\d", "a", "b", "[ab]", "[^a]", "."])
_TIMES = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(_ATOM, _TIMES), min_size=1, max_size=5), st.booleans(), st.booleans(),
    st.text("ab1 ", max_size=8),
)  # fmt: skip
def test_it_agrees_with_regular_expressions(parts: list[tuple[str, str]], start: bool, end: bool, text: str) -> None:
    """Where both understand a pattern, both find the same."""
    pattern = "^" * start + "".join(a + t for a, t in parts) + "$" * end
    read = read_pattern(pattern)
    if isinstance(read, Pattern):
        assert read.found(text) is (re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None)
