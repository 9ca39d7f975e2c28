"""
Exports: everything that a list matches, as CSV or JSON, streamed in bounded pieces.

Each piece is one page of the list's own deed, for the person as they are by then: one whose session or role has ended
gets no further piece, and the download breaks off visibly. A cell that a spreadsheet would take for a formula is
defused.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from ostiary.core.directory.permissions import judge
from ostiary.core.graph.fields import Field, Kind, Shape, render
from ostiary.core.graph.query import Page, write_cursor
from ostiary.core.words.csv_cells import defused, row
from ostiary.core.words.instants import to_datetime
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.web.front.credentials import visit_by_now
from ostiary.web.pages.console.navigation import Place
from ostiary.web.pages.page import Guest
from ostiary.web.pages.page import render as render_page

__all__ = ["FORMATS", "BrokenOff", "export"]

FORMATS = ("csv", "json")
PIECE = 500
"""Rows of one piece."""

Pieces = Callable[[Visit, str, int], Awaitable[Page[Any] | Refused]]
Row = dict[str, Any]


class BrokenOff(Exception):
    """The rest may not be given any more: an answer that has begun can say so only by not ending."""


async def export(guest: Guest, here: Place, shape: Shape[Any], pieces: Pieces) -> Response:
    """The download that the address asks for. A first piece that is refused is told on a page."""
    wanted = guest.query.get("export", "")
    first = await pieces(guest.visit, "", PIECE) if wanted in FORMATS else _NO_FORMAT
    if isinstance(first, Refused):
        return render_page(guest, "wrong.html", status=400, refused=first, ways=((here.path, here.title),))
    pages = _pages(guest, here, first, pieces)
    text = _csv(shape, pages) if wanted == "csv" else _json(shape, pages)
    kind = "text/csv; charset=utf-8; header=present" if wanted == "csv" else "application/json"
    day = to_datetime(guest.visit.now).strftime("%Y-%m-%d")
    name = f"{here.path.rpartition('/')[2]}-{day}.{wanted}"
    return StreamingResponse(text, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


_NO_FORMAT = Refused(Reason.INVALID_VALUE, "Either csv or json can be exported.", field="export")


async def _pages(guest: Guest, here: Place, first: Page[Any], pieces: Pieces) -> AsyncIterator[Page[Any]]:
    page = first
    yield page
    while page.next is not None:
        visit = await visit_by_now(guest.house, guest.scope)
        refused = judge(here.action, visit.caller, now=visit.now)
        found = refused or await pieces(visit, write_cursor(page.next), PIECE)
        if isinstance(found, Refused):
            raise BrokenOff
        page = found
        yield page


async def _json(shape: Shape[Any], pages: AsyncIterator[Page[Any]]) -> AsyncIterator[str]:
    """One array of the entities as the admin API answers them."""
    begun = False
    async for page in pages:
        for item in page.items:
            yield ",\n" if begun else "[\n"
            begun = True
            yield json.dumps(render(shape.fields, item), ensure_ascii=False, separators=(",", ":"))
    yield "\n]\n" if begun else "[]\n"


async def _csv(shape: Shape[Any], pages: AsyncIterator[Page[Any]]) -> AsyncIterator[str]:
    """One line an entity; a property inside another has both names (``status/errorCode``)."""
    names = list(_leaves(shape.fields))
    yield row(names) + "\r\n"
    async for page in pages:
        lines = []
        for item in page.items:
            told = render(shape.fields, item)
            lines.append(row([_cell(_found(told, name)) for name in names]) + "\r\n")
        yield "".join(lines)


def _leaves(fields: tuple[Field[Any], ...], prefix: str = "") -> Iterator[str]:
    for field in fields:
        if not field.readable:
            continue
        if field.kind is Kind.OBJECT:
            yield from _leaves(field.fields, f"{prefix}{field.name}/")
        else:
            yield prefix + field.name


def _found(told: Row, name: str) -> Any:
    value: Any = told
    for part in name.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _cell(value: Any) -> str:
    """A plain text, which no spreadsheet runs; a number is left a number."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = " ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return defused(text)
