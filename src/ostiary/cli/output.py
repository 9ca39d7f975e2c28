"""
How the program speaks: data to stdout, words for the person to stderr.

Data is a table for a terminal, tab-separated lines for a pipe, and with `--json` one JSON object a line. Words are
plain lines that are never wrapped, so that an address or a code can be copied. Nothing that came from a server is
printed before control characters are out of it.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ostiary.client.errors import OstiaryError, plain
from ostiary.core.words.csv_cells import defused, row

__all__ = ["Column", "Screen"]

Column = tuple[str, Callable[[Mapping[str, Any]], object]]
"""A heading, and how a row's value is found in the resource."""

_CELL = 300


class Screen:
    """The two streams of one call."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self.console = Console(file=err or sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)

    @property
    def interactive(self) -> bool:
        """Whether somebody looks at stderr on a terminal that can redraw a line."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @property
    def out(self) -> TextIO:
        """Where data goes, for who writes much of it."""
        return self._out

    def say(self, line: str, style: str = "") -> None:
        """One line for the person."""
        self.console.print(Text(line, style=style))

    def data(self, text: str) -> None:
        """One line of data as it is."""
        print(text, file=self._out, flush=True)

    def event(self, name: str, **fields: object) -> None:
        """With `--json`, one event; else nothing."""
        if self.as_json:
            self.data(json.dumps({"event": name, **fields}, ensure_ascii=False))

    def record(self, resource: Mapping[str, Any], columns: Sequence[Column]) -> None:
        """One resource: the columns below one another, or all of it with `--json`."""
        if self.as_json:
            self.data(json.dumps(resource, ensure_ascii=False))
            return
        width = max(len(heading) for heading, _ in columns)
        for heading, find in columns:
            self.data(f"{heading + ':':<{width + 2}}{_cell(find(resource))}")

    def rows(self, resources: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        """A list: a table, tab-separated lines in a pipe (with a line of headings), JSON lines with `--json`."""
        if self.as_json:
            for resource in resources:
                self.data(json.dumps(resource, ensure_ascii=False))
            return
        lines = [[_cell(find(resource)) for _, find in columns] for resource in resources]
        headings = [heading for heading, _ in columns]
        if not self._out.isatty():
            for line in [headings, *lines]:
                self.data("\t".join(line))
            return
        table = Table(*headings, box=None, pad_edge=False, header_style="bold")
        for line in lines:
            table.add_row(*(Text(cell) for cell in line))
        Console(file=self._out, highlight=False).print(table)

    def csv(self, resources: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        """A list as CSV, whatever reads it; with `--json` as JSON lines all the same."""
        if self.as_json:
            self.rows(resources, columns)
            return
        self.data(row(heading for heading, _ in columns))
        for resource in resources:
            self.data(row(defused(_cell(find(resource))) for _, find in columns))

    def error(self, fault: OstiaryError) -> None:
        """What happened, the rule, the reference, the next command."""
        refusal = fault.refusal
        self.say(f"! {plain(fault.message, 1000) or fault.code}", "bold red")
        about = (
            ()
            if refusal is None
            else (
                ("rule", refusal.rule),
                ("reference", refusal.reference),
                ("explained at", refusal.error_uri),
            )
        )
        for name, value in (*about, ("next", fault.next_step)):
            if value:
                self.say(f"  {name + ':':<14}{value}")
        self.event("error", **_fields(fault))


def _fields(fault: OstiaryError) -> dict[str, object]:
    fields: dict[str, object] = {"code": fault.code, "exit": int(fault.exit), "message": fault.message}
    if fault.refusal is not None:
        refusal = fault.refusal
        fields |= {"error": refusal.error, "suberror": refusal.suberror, "error_codes": list(refusal.numbers)}
        fields |= {"rule": refusal.rule, "reference": refusal.reference, "error_uri": refusal.error_uri}
    return fields | {"next": fault.next_step}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return plain(str(value), _CELL) or ""
