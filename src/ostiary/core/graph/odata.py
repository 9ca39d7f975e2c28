"""
The part of OData's query language that the admin API speaks, as values.

`$select $top $orderby $filter $count $skiptoken`; in `$filter`: `eq ne gt ge lt le`, `in (…)`, `startswith(…)`,
`list/any(x:x eq …)`, `and or not` and parentheses. Reading never raises: the answer is a `Query` or a `Refused` that
names the option and the place. Length, depth and number of comparisons are bounded, because the words come from
outside.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.graph.fields import Field, Kind, Shape, askable
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
)
from ostiary.core.words.instants import from_iso
from ostiary.core.words.outcome import Reason, Refused


def read_query(options: Iterable[tuple[str, str]], shape: Shape[Any], *, listing: bool = True) -> Query | Refused:
    """
    The query that *options* (decoded name and value pairs of the URL) ask of *shape*; a single entity takes only
    `$select`.
    """
    seen: dict[str, str] = {}
    for name, text in options:
        if name in seen:
            return _bad(name, "The option is given twice.")
        if name not in _READERS or (not listing and name != "$select"):
            return _bad(name, "The option is not supported here.")
        if len(text) > LONGEST:
            return _bad(name, f"The option is longer than {LONGEST} characters.")
        seen[name] = text
    found: dict[str, Any] = {}
    for name, text in seen.items():
        try:
            key, value = _READERS[name](text, shape)
        except _Wrong as wrong:
            return _bad(name, str(wrong))
        found[key] = value
    return Query(**found)


def _bad(name: str, detail: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, detail, field=name[:40])


class _Wrong(Exception):
    """Inside this module only: reading goes many calls deep, and each may find the fault."""


def _read_select(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in shape.names]
    if unknown:
        raise _Wrong(f"There is no property {unknown[0][:60]!r}.")
    return "select", names


def _read_top(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= shape.longest:
        raise _Wrong(f"A whole number from 1 to {shape.longest} is needed.")
    return "top", int(text)


def _read_count(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    if text not in ("true", "false"):
        raise _Wrong("Either true or false is needed.")
    return "count", text == "true"


def _read_after(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    cursor = read_cursor(text)
    if cursor is None:
        raise _Wrong("Use the address in @odata.nextLink as it is.")
    return "after", cursor


def _read_order(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    words = text.split()
    field = dict(askable(shape.fields)).get(words[0]) if words else None
    if field is None or not field.sortable:
        raise _Wrong(f"Cannot order by {(words or [''])[0][:60]!r}.")
    if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
        raise _Wrong("One property, then asc or desc.")
    return "order", Order(field.column, words[-1] == "desc")


def _read_filter(text: str, shape: Shape[Any]) -> tuple[str, Any]:
    return "filter", _Reader(text, dict(askable(shape.fields))).whole()


_READERS = {
    "$select": _read_select,
    "$top": _read_top,
    "$count": _read_count,
    "$skiptoken": _read_after,
    "$orderby": _read_order,
    "$filter": _read_filter,
}

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d{2}-\d{2}[Tt][0-9:.+Zz-]+)|(?P<word>[A-Za-z0-9_.@$/+-]+)|(?P<mark>[(),:]))",
    re.ASCII,
)
_ORDERED = frozenset({Kind.STRING, Kind.ID, Kind.INTEGER, Kind.MOMENT})
_OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_TEXTS = frozenset({Kind.STRING, Kind.ID, Kind.STRINGS})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


class _Reader:
    """Recursive descent over the tokens of one `$filter`; each method reads what its name says."""

    def __init__(self, text: str, fields: Mapping[str, Field[Any]]) -> None:
        self._fields = fields
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._count = 0

    def whole(self) -> Expression:
        found = self._or()
        if self._peek().kind != "end":
            raise self._wrong("The expression should end here")
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _wrong(self, what: str, token: _Token | None = None) -> _Wrong:
        return _Wrong(f"{what}, at character {(token or self._peek()).place + 1}.")

    def _expect(self, text: str) -> None:
        if self._peek().text != text:
            raise self._wrong(f"Expected {text!r}")
        self._take()

    def _is(self, word: str) -> bool:
        token = self._peek()
        if token.kind == "word" and token.text == word:
            self._take()
            return True
        return False

    def _or(self) -> Expression:
        found = self._and()
        while self._is("or"):
            found = Or(found, self._and())
        return found

    def _and(self) -> Expression:
        found = self._unary()
        while self._is("and"):
            found = And(found, self._unary())
        return found

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(f"Nested deeper than {DEEPEST}")
        try:
            return Not(self._unary()) if self._is("not") else self._primary()
        finally:
            self._depth -= 1

    def _primary(self) -> Expression:
        token = self._take()
        if token.text == "(" and token.kind == "mark":
            found = self._or()
            self._expect(")")
            return found
        if token.kind != "word":
            raise self._wrong("Expected a property", token)
        if token.text == "startswith":
            return self._starts_with()
        if token.text.endswith("/any"):
            return self._any(token)
        return self._comparison(token)

    def _field(self, token: _Token) -> Field[Any]:
        field = self._fields.get(token.text)
        if field is None:
            raise self._wrong(f"Cannot filter by {token.text[:60]!r}", token)
        return field

    def _comparison(self, token: _Token) -> Expression:
        field, operator = self._field(token), self._take()
        if operator.text == "in":
            return self._in(field)
        if operator.text not in _OPERATORS or operator.kind != "word":
            raise self._wrong("Expected eq, ne, gt, ge, lt, le or in", operator)
        if field.kind is Kind.STRINGS or (field.kind not in _ORDERED and operator.text not in ("eq", "ne")):
            raise self._wrong(f"{token.text} cannot be compared by {operator.text}", operator)
        value = self._literal(field)
        if value is None and operator.text not in ("eq", "ne"):
            raise self._wrong("null is neither more nor less than anything", operator)
        return Compare(field.column, operator.text, value, field.kind is Kind.STRING and value is not None)

    def _in(self, field: Field[Any]) -> Expression:
        if field.kind is Kind.STRINGS:
            raise self._wrong("A list is asked with any")
        self._expect("(")
        found: Expression = self._equal(field)
        while self._peek().text == ",":
            self._take()
            found = Or(found, self._equal(field))
        self._expect(")")
        return found

    def _equal(self, field: Field[Any]) -> Compare:
        value = self._literal(field)
        return Compare(field.column, "eq", value, field.kind is Kind.STRING and value is not None)

    def _starts_with(self) -> Expression:
        self._expect("(")
        field = self._field(self._take())
        if field.kind not in (Kind.STRING, Kind.ID):
            raise self._wrong("startswith needs a text property")
        self._expect(",")
        text = self._literal(field)
        if not isinstance(text, str):
            raise self._wrong("Expected a text in quotes")
        self._expect(")")
        return StartsWith(field.column, text, field.kind is Kind.STRING)

    def _any(self, token: _Token) -> Expression:
        field = self._fields.get(token.text.removesuffix("/any"))
        if field is None or field.kind is not Kind.STRINGS:
            raise self._wrong(f"Cannot filter by {token.text[:60]!r}", token)
        self._expect("(")
        name = self._take()
        self._expect(":")
        self._expect(name.text)
        self._expect("eq")
        text = self._literal(field)
        if not isinstance(text, str):
            raise self._wrong("Expected a text in quotes")
        self._expect(")")
        return Contains(field.column, text)

    def _literal(self, field: Field[Any]) -> Value:
        self._count += 1
        if self._count > MOST:
            raise self._wrong(f"More than {MOST} comparisons")
        token = self._take()
        try:
            value = _literal(token, field.kind)
        except ValueError:
            raise self._wrong(f"Not a value for {field.name}", token) from None
        return field.stored(value) if field.stored is not None and value is not None else value


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    strange = next((place for place, letter in enumerate(text) if not letter.isprintable()), None)
    if strange is not None:
        raise _Wrong(f"A control character, at character {strange + 1}.")
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _Wrong(f"Cannot read this, at character {at + 1}.")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*found, _Token("end", "", end)]


def _literal(token: _Token, kind: Kind) -> Value:
    """The literal *token* as a value for a property of *kind*. Raises ValueError when it is none."""
    if token.kind == "word" and token.text == "null":
        return None
    if kind in _TEXTS:
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if kind is Kind.ID and token.kind == "word":  # Graph takes a GUID with and without quotes
            return token.text
    elif kind is Kind.MOMENT and token.kind == "moment":
        return from_iso(token.text)
    elif token.kind == "word" and kind is Kind.BOOL and token.text in ("true", "false"):
        return token.text == "true"
    elif token.kind == "word" and kind is Kind.INTEGER and re.fullmatch(r"-?[0-9]{1,15}", token.text):
        return int(token.text)
    raise ValueError(token.text)
