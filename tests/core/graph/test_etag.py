"""`If-Match`: what somebody saw, and that nothing else is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.graph.etag import ANY, LONGEST, Seen, only, read_if_match, tag_of
from ostiary.core.words.outcome import Reason, Refused

OPAQUE = st.text("\x21\x23\x2c~abc*W/\xff", max_size=8)  # a comma, a star, a weak tag's beginning: all may stand inside
SPACE = st.text(" \t", max_size=2)


@given(st.lists(st.tuples(OPAQUE, st.booleans(), SPACE, SPACE), min_size=1, max_size=6), OPAQUE)
def test_exactly_the_strong_tags_of_the_list_are_allowed(tags: list[tuple[str, bool, str, str]], other: str) -> None:
    """However they are spaced, in one field or in several; a weak one is nobody's proof (RFC 9110 §8.8.3.2)."""
    texts = [f"{before}{'W/' if weak else ''}{tag_of(version)}{after}" for version, weak, before, after in tags]
    strong = {version for version, weak, _, _ in tags if not weak}
    for fields in (texts, [",".join(texts)], [",,".join(texts), " "]):
        seen = read_if_match(fields)
        assert seen == Seen(frozenset(strong)), fields
        assert seen.allows(other) == (other in strong)


def test_no_field_and_a_star_allow_everything() -> None:
    """As before there was anything to compare."""
    assert read_if_match([]) == read_if_match([" * "]) == ANY
    assert ANY.allows("anything")


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "abc", '"abc', 'abc"', "*, *", '*, "a"', '"a" "b"', '"a";', 'w/"a"', '"a b"', '"a\x00"', 'W/',
     '"' + "a" * LONGEST + '"', ", " * 600 + "x"],
)  # fmt: skip
def test_what_is_no_list_of_tags_is_refused(text: str) -> None:
    """Never taken for "whatever stands there"; and at once, however it is made."""
    refused = read_if_match([text])
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "If-Match")


def test_a_form_that_names_no_version_saw_none() -> None:
    """An empty field is not "any"."""
    assert not only("").allows("v1")
    assert only("v1").allows("v1")
    assert not only("v1").allows("v")
