"""Filters over values in memory: the rules of OData, as SQL has them for what is stored."""

from typing import Any

import pytest

from ostiary.core.graph.location import LOCATION
from ostiary.core.graph.matching import matches
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.policy import POLICY
from ostiary.core.graph.query import Compare, Contains, Expression, Not, Query

ONE: dict[str, Any] = {"displayName": "Block all", "state": "enabled", "id": "p1", "count": 3, "tags": ("a", "b")}


def asked(text: str) -> Expression:
    """What *text* asks of policies."""
    query = read_query([("$filter", text)], POLICY)
    assert isinstance(query, Query), query
    assert query.filter is not None
    return query.filter


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("displayName eq 'block ALL'", True),
        ("displayName eq 'Block'", False),
        ("displayName ne 'Block'", True),
        ("startswith(displayName,'bLOCK')", True),
        ("startswith(displayName,'all')", False),
        ("state eq 'enabled'", True),
        ("state eq 'Enabled'", False),
        ("id gt 'p0' and id le 'p1'", True),
        ("id ge 'p2' or id lt 'p1'", False),
        ("not startswith(displayName,'x')", True),
        ("state eq null", False),
        ("state ne null", True),
    ],
)
def test_a_filter_is_met_as_it_would_be_in_the_store(text: str, met: bool) -> None:
    """Names whatever their case, all else as it is."""
    assert matches(asked(text), ONE.get) is met


def test_what_is_null_equals_null_alone() -> None:
    """It is unequal to everything else, begins with nothing, and is neither more nor less."""
    assert matches(Compare("none", "eq", None), ONE.get)
    assert not matches(Compare("none", "eq", "x"), ONE.get)
    assert matches(Compare("none", "ne", "x"), ONE.get)
    assert not matches(Compare("none", "gt", "x"), ONE.get)
    assert not matches(Compare("count", "gt", "x"), ONE.get)
    assert not matches(asked("startswith(displayName,'x')"), lambda column: None)


def test_a_list_holds_what_is_in_it() -> None:
    """And nothing where there is none."""
    assert matches(Contains("tags", "a"), ONE.get)
    assert not matches(Contains("tags", "c"), ONE.get)
    assert matches(Not(Contains("none", "c")), ONE.get)


def test_locations_are_asked_for_by_name() -> None:
    """The same filter as policies'."""
    query = read_query([("$filter", "startswith(displayName,'o')")], LOCATION)
    assert isinstance(query, Query)
    assert query.filter is not None
    assert matches(query.filter, {"displayName": "Office"}.get)
