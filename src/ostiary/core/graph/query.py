"""
Questions to a list, as values: what to select, filter and sort by, which page, and the page that answers.

Whoever asks speaks `odata.py`'s words, or builds these; `store/ask.py` turns them into SQL.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE = 100  # entries of a page when nothing is asked
LONGEST_PAGE = 999
LONGEST = 2048  # characters of one option
DEEPEST = 16
MOST = 64  # comparisons in one filter

Value = str | int | bool | None
Cursor = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`property op literal`; `op` is one of eq, ne, gt, ge, lt, le."""

    column: str
    op: str
    value: Value
    folded: bool = False
    """Compare whatever the case."""


@dataclass(frozen=True, slots=True)
class StartsWith:
    """`startswith(property, 'text')`."""

    column: str
    value: str
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """`list/any(x:x eq 'text')`."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Or:
    """Either."""

    left: "Expression"
    right: "Expression"


Expression = Compare | StartsWith | Contains | Not | And | Or


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the sort."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for."""

    select: tuple[str, ...] = ()
    filter: Expression | None = None
    order: Order | None = None
    """None: the resource's own order."""
    top: int = PAGE
    count: bool = False
    after: Cursor | None = None
    """Where the page before ended."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next: Cursor | None = None
    """Where the next one begins; None at the end."""
    count: int | None = None
    """All that match, when asked."""


def write_cursor(cursor: Cursor) -> str:
    """The opaque `$skiptoken`. It carries no right: whoever forges one sees the same list from another place."""
    return urlsafe_b64encode(json.dumps(cursor, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor | None:
    """What `write_cursor` wrote, or None."""
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    plain = isinstance(found, list) and 0 < len(found) <= 4
    return tuple(found) if plain and all(type(part) in (str, int, type(None)) for part in found) else None
