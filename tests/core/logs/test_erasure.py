"""Whom a text is about, by id or by a name as a whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.erasure import is_about, names_in, pattern, without

ID = "a11ce000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("text", [
    f'"actor":"user:{ID}"', f'"user":"{ID.upper()}"', '"user_name":"ann@x.com"', "ask Ann@X.com, please",
    "from ann@x.com.", '"mail":"a.o\'neil+work@x.com"', "straße@x.com", "STRAẞE@x.com",
])  # fmt: skip
def test_a_text_that_names_the_person_is_found(text: str) -> None:
    """The id anywhere, a name in any case and before any mark."""
    assert pattern(ID, ("ann@x.com", "a.o'neil+work@x.com", "Straße@x.com")).search(text)


@pytest.mark.parametrize(
    "text", ["joann@x.com", "ann@x.com.au", "ann@x.community", "b-ann@x.com", "x+ann@x.com", "ann"]
)
def test_somebody_else_is_not(text: str) -> None:
    """A name within a name is another's."""
    assert not pattern(ID, ("ann@x.com",)).search(text)


@given(st.text(), st.lists(st.text(max_size=30)))
def test_any_name_is_taken_as_it_is(text: str, names: list[str]) -> None:
    """Nothing in a name has a meaning in the pattern; no name at all finds nothing but the id."""
    pattern(ID, names).search(text)
    assert not pattern(ID, ("", "")).search(text.replace(ID, ""))


def test_a_name_is_taken_out_of_a_text() -> None:
    """As a whole, in any case; the id stays, and nothing in what stands there instead has a meaning."""
    text = f'{{"by":"user:{ID}","name":"joann@x.com, Ann@X.com"}}'
    assert without(text, ("ann@x.com", ""), r"\1") == f'{{"by":"user:{ID}","name":"joann@x.com, \\1"}}'
    assert without(text, (), "-") == text


def test_what_somebody_was_called_before_counts() -> None:
    """As entries about the account say it."""
    detail = {"user_name": "new@x.com", "before": {"user_name": "old@x.com", "mail": "m@x.com"}, "after": {"mail": ""}}
    assert names_in(detail) == {"new@x.com", "old@x.com", "m@x.com"}


@pytest.mark.parametrize(
    ("actor", "target", "text", "goes"),
    [
        ("system", "log", "ann@x.com", True),
        ("nobody", "", f"user {ID}", True),
        (f"user:{ID}", "group:1", "", True),
        ("user:2", f"user:{ID}", "", True),
        ("user:2", "group:1", "ann@x.com", False),
        ("system", "user:2", "ann@x.com", False),
        ("user:2", "group:1", f"ann@x.com, {ID}", True),
        ("system", "log", "joann@x.com", False),
    ],
)
def test_r15_a_name_alone_takes_nothing_of_another_account(actor: str, target: str, text: str, goes: bool) -> None:
    """The id does; a name where nobody else is the actor or target."""
    body = f'{{"actor":"{actor}","target":"{target}","detail":{{"text":"{text}"}}}}'
    assert is_about(body, ID, ("ann@x.com",)) is goes
