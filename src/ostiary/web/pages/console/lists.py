"""
Lists of the console: one value says what a list shows, and all else is the same for every one.

A list is the admin API's own: the same deed with the same permissions, asked in the same query language. What somebody
types becomes a `$filter` that `core/graph/odata.py` reads, a page goes on by the API's `$skiptoken`, an export is the
resource as the API answers it. So nothing can be found here that is not found there.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.core.graph.fields import Shape
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import Page, Query, write_cursor
from ostiary.core.words.ids import is_guid
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.pages.console.export import FORMATS, export
from ostiary.web.pages.console.frame import show
from ostiary.web.pages.console.navigation import Place
from ostiary.web.pages.page import Guest

__all__ = ["Choice", "Column", "How", "List", "Period", "Search", "Tag", "by_look", "listed", "literal"]

T = TypeVar("T")

SHOWN = 50
"""Rows of one page."""
LONGEST = 200  # characters of one thing that is typed


class How(StrEnum):
    """How a cell is put on the page."""

    TEXT = "text"
    """As it is; nothing where it is empty."""
    CODE = "code"
    """An id or an address, in letters of one width."""
    MOMENT = "moment"
    """An `Instant`: when, and how long ago."""
    SPAN = "span"
    """How long something is."""
    LEFT = "left"
    """An `Instant` ahead: what is left until then, counted down."""
    TAG = "tag"
    """A `Tag`, or words: what people scan for."""


class Tag(NamedTuple):
    """A word with a colour."""

    text: str
    tone: str = ""
    """good, bad, or neither."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column."""

    title: str
    get: Callable[[T], Any]
    how: How = How.TEXT
    link: Callable[[T], str] | None = None
    """Where the cell leads; the first column usually leads to the row's own page."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way to what one may do to a row: the page there asks for what is needed, a reason above all."""

    path: str
    label: str
    about: str
    """The whole sentence, for those who do not see which row it is in."""


@dataclass(frozen=True, slots=True)
class Search:
    """The search box."""

    label: str
    hint: str
    ask: Callable[[str], str]
    """From what was typed to a `$filter`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, or any."""

    name: str
    label: str
    options: Callable[[Guest], Iterable[tuple[str, str]]]
    """Values and their texts."""
    ask: Callable[[str], str]
    """From the chosen value to a `$filter`."""


@dataclass(frozen=True, slots=True)
class Period:
    """Two days, both included, in UTC; *column* is the property of the shape."""

    column: str

    def asks(self, typed: Mapping[str, str]) -> list[str] | Refused:
        """The comparisons. Refused: what is no day."""
        found = []
        for name, op, more in (("from", "ge", 0), ("to", "lt", 1)):
            if not typed.get(name):
                continue
            try:
                day = date.fromisoformat(typed[name]) + timedelta(days=more)
            except (ValueError, OverflowError):
                return Refused(Reason.INVALID_VALUE, "Type a day as 2026-01-31.", field=name)
            found.append(f"{self.column} {op} {day.isoformat()}T00:00:00Z")
        return found


@dataclass(frozen=True, slots=True)
class List(Generic[T]):
    """One list: what it is taken from, and how it looks."""

    here: Place
    shape: Shape[T]
    """What may be asked of it, and what an export holds."""
    deed: Callable[[House, Visit, Query], Awaitable[Page[T] | Refused]]
    columns: tuple[Column[T], ...]
    lead: str
    """A sentence under the heading."""
    empty: str
    """What is said while there is nothing at all."""
    search: Search | None = None
    choices: tuple[Choice, ...] = ()
    period: Period | None = None
    act: Callable[[Guest, T], Way | None] | None = None
    """What the person before the page may do to a row."""
    subject: str = ""
    """What of `live.py` changes it: the first page is then kept up to date."""
    order: str = ""
    """An `$orderby` where the resource's own order is not the one to show."""
    path: str = ""
    """Its address, where that is below its place."""
    title: str = ""
    """Its heading, where that is not its place's."""
    further: tuple[tuple[str, str], ...] = ()
    """Addresses and names of what stands beside it."""

    @property
    def address(self) -> str:
        """Where it is."""
        return self.path or self.here.path

    @property
    def heading(self) -> str:
        """What stands above it."""
        return self.title or self.here.title

    @property
    def fields(self) -> tuple[str, ...]:
        """What its form sends."""
        return (
            *(("q",) if self.search else ()), *(choice.name for choice in self.choices),
            *(("from", "to") if self.period else ()),
        )  # fmt: skip

    def typed(self, guest: Guest) -> dict[str, str]:
        """What was typed, bounded; nothing else of the address counts."""
        asked = {name: guest.query.get(name, "").strip()[:LONGEST] for name in self.fields}
        return {name: text for name, text in asked.items() if text}

    def filter(self, guest: Guest) -> str | Refused:
        """What was typed as a `$filter`; empty where nothing was. Refused: a choice or day that is none."""
        typed, parts = self.typed(guest), list[str]()
        if self.search is not None and "q" in typed:
            parts.append(self.search.ask(typed["q"]))
        for choice in self.choices:
            if choice.name in typed:
                if typed[choice.name] not in dict(choice.options(guest)):
                    return Refused(Reason.INVALID_VALUE, "That cannot be chosen.", field=choice.name)
                parts.append(choice.ask(typed[choice.name]))
        days = self.period.asks(typed) if self.period is not None else []
        return days if isinstance(days, Refused) else " and ".join([f"({part})" for part in parts] + days)

    def query(self, guest: Guest, *, top: int = SHOWN, after: str = "") -> Query | Refused:
        """The question, read as the admin API reads it."""
        wanted = self.filter(guest)
        if isinstance(wanted, Refused):
            return wanted
        asked = (("$filter", wanted), ("$orderby", self.order), ("$skiptoken", after), ("$top", str(top)))
        found = read_query([(name, text) for name, text in asked if text], self.shape)
        if isinstance(found, Refused):  # in words about queries, which nobody typed here
            return Refused(found.reason, "This list cannot be asked so. Type less, or begin at its first page.")
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the template puts it out: a value for each column, and what may be done to it."""

    cells: tuple[tuple[Column[Any], Any, str], ...]
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a list, ready for the template."""

    rows: tuple[Row, ...] = ()
    next: str = ""
    """Address of the next page."""
    first: str = ""
    """Address of the first page, when this is another."""
    exports: tuple[tuple[str, str], ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


def by_look(text: str, reference: str, name: Callable[[str], str]) -> str:
    """
    The question that *text* looks like: a sign-in's reference (of the property *reference*), an address, else what
    *name* asks of a user name. Each has an index of its own.
    """
    folded = text.lower()
    if is_guid(folded):
        return f"{reference} eq {literal(folded)}"
    try:
        return f"ipAddress eq {literal(str(ip_address(folded)))}"
    except ValueError:
        return name(folded)


def literal(text: str) -> str:
    """*text* as a `$filter` writes it."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


async def listed(guest: Guest, what: List[Any], *, template: str = "list.html", **more: Any) -> Response:
    """
    The page of *what*, or the export that its address asks for. *template*: one that says *more* around `list.html`.
    """
    if "export" in guest.query:
        return await export(guest, what.here, what.shape, _pieces(guest, what))
    return await _page(guest, what, template, more)


async def _page(guest: Guest, what: List[Any], template: str, more: Mapping[str, Any]) -> Response:
    after, typed = guest.query.get("after", ""), what.typed(guest)
    query = what.query(guest, after=after)
    found = query if isinstance(query, Refused) else await what.deed(guest.house, guest.visit, query)
    page: Page[Any] = Page(()) if isinstance(found, Refused) else found
    shown = Shown(
        tuple(_row(guest, what, item) for item in page.items),
        _address(what, typed, after=write_cursor(page.next)) if page.next is not None else "",
        _address(what, typed) if after else "",
        tuple((name, _address(what, typed, export=name)) for name in FORMATS),
        typed,
    )
    options = {choice.name: tuple(choice.options(guest)) for choice in what.choices}
    return show(
        guest, template, what.here, refused=found if isinstance(found, Refused) else None, what=what,
        shown=shown, options=options, live="" if after else what.subject, **more,
    )  # fmt: skip


def _row(guest: Guest, what: List[Any], item: Any) -> Row:
    cells = tuple((each, each.get(item), each.link(item) if each.link else "") for each in what.columns)
    return Row(cells, what.act(guest, item) if what.act is not None else None)


def _address(what: List[Any], typed: Mapping[str, str], **more: str) -> str:
    asked = urlencode({**typed, **more})
    return f"{what.address}?{asked}" if asked else what.address


def _pieces(guest: Guest, what: List[Any]) -> Callable[[Visit, str, int], Awaitable[Page[Any] | Refused]]:
    """How an export takes one piece after the other: the same question, by the same deed."""

    async def piece(visit: Visit, after: str, most: int) -> Page[Any] | Refused:
        query = what.query(guest, top=most, after=after)
        return query if isinstance(query, Refused) else await what.deed(guest.house, visit, query)

    return piece
