"""The query language: what it reads, what it refuses, and that nothing from outside makes it raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import (
    DEEPEST,
    LONGEST,
    MOST,
    And,
    Compare,
    Contains,
    Expression,
    Not,
    Or,
    Order,
    Query,
    StartsWith,
    Value,
    read_cursor,
    write_cursor,
)
from ostiary.core.words.instants import Instant, from_iso, to_iso
from ostiary.core.words.outcome import Reason, Refused

SHAPE: Shape[object] = Shape(
    "things",
    "microsoft.graph.thing",
    (
        Field("id", Kind.ID, id, column="id"),
        Field("name", Kind.STRING, str, column="name", sortable=True),
        Field("mail", Kind.ID, str, column="mail", stored=str.lower),
        Field("on", Kind.BOOL, bool, column="on"),
        Field("size", Kind.INTEGER, id, column="size"),
        Field("at", Kind.MOMENT, id, column="at"),
        Field("tags", Kind.STRINGS, id, column="tags"),
        Field("note", Kind.STRING, str),
        Field("status", Kind.OBJECT, fields=(Field("code", Kind.INTEGER, id, column="code"),)),
        Field("secret", Kind.STRING, write="secret"),
    ),
)


def read(**options: str) -> Query | Refused:
    """Read options by their names without the dollar sign."""
    return read_query([(f"${name}", text) for name, text in options.items()], SHAPE)


def filtered(text: str) -> Expression | None:
    """The expression of a `$filter` that must be readable."""
    found = read(filter=text)
    assert isinstance(found, Query), found
    return found.filter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'O''Neil'", Compare("name", "eq", "O'Neil", True)),
        ("id eq 0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001", Compare("id", "eq", "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")),
        ("mail eq 'A@B'", Compare("mail", "eq", "a@b")),
        ("mail ne null", Compare("mail", "ne", None)),
        ("on eq true", Compare("on", "eq", True)),
        ("size lt -3", Compare("size", "lt", -3)),
        ("status/code eq 50199", Compare("code", "eq", 50199)),
        ("at ge 1970-01-01T00:00:01Z", Compare("at", "ge", 1_000_000)),
        ("startswith(name,'a')", StartsWith("name", "a", True)),
        ("startswith(id,'a')", StartsWith("id", "a")),
        ("tags/any(t:t eq 'x')", Contains("tags", "x")),
        ("tags/any(t: t eq 'x')", Contains("tags", "x")),
        ("id in ('a', 'b')", Or(Compare("id", "eq", "a"), Compare("id", "eq", "b"))),
        ("name in (null)", Compare("name", "eq", None)),
        ("not on eq true", Not(Compare("on", "eq", True))),
        (
            "on eq true or on eq false and size gt 1",
            Or(Compare("on", "eq", True), And(Compare("on", "eq", False), Compare("size", "gt", 1))),
        ),
        (
            "(on eq true or on eq false) and size gt 1",
            And(Or(Compare("on", "eq", True), Compare("on", "eq", False)), Compare("size", "gt", 1)),
        ),
    ],
)
def test_a_filter_is_read_as_it_is_meant(text: str, expected: Expression) -> None:
    """Literals by the property's kind, `and` before `or`, parentheses above both."""
    assert filtered(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name eq",
        "name eq name",
        "name eq 'a",
        "name like 'a'",
        "'a' eq name",
        "note eq 'a'",
        "secret eq 'a'",
        "nothing eq 'a'",
        "on gt true",
        "on eq 'true'",
        "size eq 1.5",
        "size gt null",
        "at ge '2026-11-23T07:00:00Z'",
        "at ge 2026-13-23T07:00:00Z",
        "tags eq 'a'",
        "tags in ('a')",
        "tags/any(t:u eq 'a')",
        "tags/any(t:t eq null)",
        "name/any(t:t eq 'a')",
        "startswith(on,'a')",
        "startswith(name,null)",
        "startswith(name 'a')",
        "id in ()",
        "id in ('a'",
        "(on eq true",
        "on eq true)",
        "on eq true on eq true",
        "name eq 'a' ; drop",
        "name eq 'a\x00'",
    ],
)
def test_a_filter_that_is_not_understood_is_refused_with_its_place(text: str) -> None:
    """Nothing is guessed: the caller hears which option and which character."""
    found = read(filter=text)
    assert isinstance(found, Refused)
    assert (found.reason, found.field) == (Reason.INVALID_VALUE, "$filter")
    assert "character" in found.detail


def test_a_filter_is_bounded() -> None:
    """Depth, number of comparisons and length have an end."""
    assert isinstance(read(filter="(" * (DEEPEST - 1) + "on eq true" + ")" * (DEEPEST - 1)), Query)
    assert isinstance(read(filter="(" * DEEPEST + "on eq true" + ")" * DEEPEST), Refused)
    assert isinstance(read(filter="not " * DEEPEST + "on eq true"), Refused)
    assert isinstance(read(filter="size in (" + ",".join("1" * MOST) + ")"), Query)
    assert isinstance(read(filter="size in (" + ",".join("1" * (MOST + 1)) + ")"), Refused)
    assert isinstance(read(filter="on eq true".ljust(LONGEST)), Query)
    assert isinstance(read(filter="on eq true".ljust(LONGEST + 1)), Refused)


def test_the_other_options_are_read() -> None:
    """Each option has one meaning."""
    found = read(select="name, id,name", top="999", count="true", orderby="name desc", skiptoken=write_cursor(("x", 1)))
    assert found == Query(("name", "id"), None, Order("name", True), 999, True, ("x", 1))
    assert read(orderby="name asc") == read(orderby="name") == Query(order=Order("name"))
    assert read(count="false") == Query() == read_query([], SHAPE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("select", "nothing"),
        ("select", "secret"),
        ("top", "0"),
        ("top", "1000"),
        ("top", "-1"),
        ("top", "9" * 5000),
        ("top", "١"),
        ("count", "1"),
        ("orderby", ""),
        ("orderby", "id"),
        ("orderby", "name up"),
        ("orderby", "name asc, id"),
        ("skiptoken", "!"),
        ("skiptoken", "é"),
        ("skiptoken", "W10"),
        ("skiptoken", "W1tdXQ"),
        ("skiptoken", "W3RydWVd"),
        ("expand", "members"),
        ("search", "x"),
        ("skip", "3"),
    ],
)
def test_an_option_that_is_wrong_or_not_ours_is_refused_by_name(name: str, text: str) -> None:
    """An option that is ignored would be an answer to another question."""
    found = read(**{name: text})
    assert isinstance(found, Refused)
    assert found.field == f"${name}"


def test_an_option_twice_is_refused() -> None:
    """Which one counts would be anybody's guess."""
    assert isinstance(read_query([("$top", "1"), ("$top", "2")], SHAPE), Refused)


def test_a_single_entity_takes_only_select() -> None:
    """There is nothing to filter or to count in one."""
    assert read_query([("$select", "id")], SHAPE, listing=False) == Query(select=("id",))
    assert isinstance(read_query([("$top", "1")], SHAPE, listing=False), Refused)


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(-(2**60), 2**60), st.none()), min_size=1, max_size=4))
def test_a_cursor_comes_back_as_it_went(parts: list[str | int | None]) -> None:
    """The next page begins where this one ended."""
    assert read_cursor(write_cursor(tuple(parts))) == tuple(parts)


@given(st.text(max_size=80))
def test_no_cursor_raises(text: str) -> None:
    """Whatever is sent as one."""
    read_cursor(text)


_SCRAPS = st.sampled_from(
    [
        "name",
        "on",
        "eq",
        "in",
        "and",
        "or",
        "not",
        "(",
        ")",
        ",",
        "'a'",
        "true",
        "null",
        "tags/any",
        "t",
        ":",
        "1",
        "'",
        " ",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(_SCRAPS, max_size=30).map(" ".join)))
def test_no_filter_raises(text: str) -> None:
    """The answer is a query or a refusal."""
    assert isinstance(read(filter=text), Query | Refused)


_COMPARISONS = st.one_of(
    st.builds(
        Compare, st.just("name"), st.sampled_from(["eq", "ne", "gt"]), st.text("ab' ", max_size=5), st.just(True)
    ),
    st.builds(Compare, st.just("on"), st.sampled_from(["eq", "ne"]), st.one_of(st.booleans(), st.none())),
    st.builds(Compare, st.just("size"), st.sampled_from(["lt", "le", "ge"]), st.integers(-(10**9), 10**9)),
    st.builds(Compare, st.just("at"), st.just("ge"), st.integers(0, 4 * 10**15).map(Instant)),
    st.builds(StartsWith, st.just("name"), st.text("ab'", max_size=5), st.just(True)),
    st.builds(Contains, st.just("tags"), st.text("ab'", max_size=5)),
)
_EXPRESSIONS = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(st.builds(Not, inner), st.builds(And, inner, inner), st.builds(Or, inner, inner)),
    max_leaves=6,
)


def written(expression: Expression) -> str:
    """*expression* as OData, with every parenthesis."""
    match expression:
        case Compare(column, op, value):
            return f"{column} {op} {literal(column, value)}"
        case StartsWith(column, value):
            return f"startswith({column},{literal(column, value)})"
        case Contains(column, value):
            return f"{column}/any(x:x eq {literal(column, value)})"
        case Not(inner):
            return f"not ({written(inner)})"
        case And(left, right):
            return f"({written(left)}) and ({written(right)})"
        case Or(left, right):
            return f"({written(left)}) or ({written(right)})"


def literal(column: str, value: Value) -> str:
    """*value* as OData."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return str(value).lower()
    return to_iso(Instant(value)) if column == "at" else str(value)


@given(_EXPRESSIONS)
def test_a_filter_comes_back_as_it_was_written(expression: Expression) -> None:
    """Round trip: what is read is what was meant."""
    assert filtered(written(expression)) == expression


def test_a_moment_keeps_its_fraction() -> None:
    """Microseconds are exact."""
    assert filtered("at eq 2026-11-23T07:00:00.123456Z") == Compare("at", "eq", from_iso("2026-11-23T07:00:00.123456Z"))
