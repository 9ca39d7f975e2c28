"""
Cells of CSV (RFC 4180) that no spreadsheet runs.
"""

import csv
import io
import re
from collections.abc import Iterable

__all__ = ["defused", "row"]

_FORMULA = frozenset("=+-@\t\r\n|%＝＋－＠")  # what spreadsheets begin a formula, or a command, with
_INSIDE = re.compile(r"""([;\t\r\n]["\s]*)(?=[=+\-@|%＝＋－＠])""")
"""
Where a spreadsheet that separates cells by semicolons or tabs begins one in the middle of ours. It takes the quotes
around our cells for text, so that a line break begins one as well.
"""


def defused(value: object) -> str:
    """
    As text; behind an apostrophe where a spreadsheet would run it, also after spaces that it passes over and after
    what another spreadsheet takes for the end of a cell.
    """
    text = _INSIDE.sub(r"\1'", str(value))
    first = text.lstrip(" \u00a0")[:1]
    return f"'{text}" if first in _FORMULA and first else text


def row(cells: Iterable[str]) -> str:
    """One line without its end: every cell quoted, a line break within one stays."""
    made = io.StringIO()
    csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return made.getvalue()
