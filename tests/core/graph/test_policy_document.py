"""A policy's document as people type it: read in one way only, and every mistake with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.stored import Stored
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.fields import render
from ostiary.core.graph.policy import DESCRIPTION_LIMIT, DOCUMENT_LIMIT, POLICY, read_document, write_document
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcä .", max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["displayName", "state", "conditions", "grantControls", "ostiary", "later"])


def wrong(text: str) -> tuple[str, str]:
    """What is told of it."""
    found = read_document(text)
    assert isinstance(found, Invalid), found
    ((path, message),) = [(each.path, each.message) for each in found.problems]
    return path, message


@given(st.dictionaries(NAMES, JSON, max_size=5), st.sampled_from([None, 1, 2]))
def test_what_is_typed_is_read_as_it_is(document: dict[str, Any], indent: int | None) -> None:
    """However it is laid out."""
    assert read_document(json.dumps(document, indent=indent)) == document


def test_an_answer_of_the_api_can_be_typed_again() -> None:
    """What only the service writes is left out: id, dates, annotations."""
    document: dict[str, Any] = {"displayName": "One", "state": "disabled", "conditions": {}, "grantControls": None}
    answer = render(POLICY.fields, Stored(PolicyId("p"), document, Instant(0), Instant(1)))
    found = read_document(json.dumps({"@odata.context": "x", **answer}))
    assert isinstance(found, dict)
    assert {name: found[name] for name in document} == document
    assert not {"id", "templateId", "createdDateTime", "modifiedDateTime", "@odata.context"} & set(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"displayName": "One",\n "state": }', "Not JSON: Expecting value at line 2, column 11."),
        ("{'state': 1}", "Not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        ('{"state": "enabled", "state": "disabled"}', "A property stands there twice."),
        ('{"conditions": {"users": {"a": 1, "a": 2}}}', "A property stands there twice."),
        ('{"later": NaN}', "NaN is not JSON."),
        ('{"later": -Infinity}', "-Infinity is not JSON."),
        ("[" * 20_000, "Not JSON in UTF-8."),
        ('{"later": ' + "9" * 5_000 + "}", "Not JSON in UTF-8."),
        ('["a"]', "An object is needed."),
        ('{"a":' * 20 + "1" + "}" * 20, "Nested deeper than 16."),
        ('{"displayName": "\\ud800"}', "Half of a surrogate pair is not text."),
        ("null", "An object is needed."),
        (" " * (DOCUMENT_LIMIT + 1), f"is longer than {DOCUMENT_LIMIT} characters: use the admin API"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, says: str) -> None:
    """Nothing is guessed, and nothing that comes breaks the reader."""
    assert wrong(text) == ("$", says)


def test_nothing_typed_is_an_empty_document() -> None:
    """Whose reader then says what it lacks."""
    assert read_document(" ") == {}


def test_a_document_is_written_in_the_order_of_graph() -> None:
    """The name first, what nobody knows last; nothing is lost."""
    document: dict[str, Any] = {"later": 1, "conditions": {}, "state": "disabled", "displayName": "One"}
    written = write_document(Stored(PolicyId("p"), document, Instant(0), Instant(1)))
    assert list(written) == ["displayName", "state", "conditions", "later"]
    assert written == document


@pytest.mark.parametrize("told", [1, ["a"], "x" * (DESCRIPTION_LIMIT + 1)])
def test_a_description_is_a_text(told: Any) -> None:
    """As the admin API takes it, within the same bound."""
    assert wrong(json.dumps({"description": told}))[0] == "$.description"
    assert read_document(json.dumps({"description": "x" * DESCRIPTION_LIMIT}))
    assert read_document('{"description": null}') == {"description": None}
