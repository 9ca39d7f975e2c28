"""
Compliance in a CSV file: a line of headings, a device a line, every error with its line.

    device,isManaged,isCompliant,complianceExpirationDateTime
    build-7,true,true,2026-12-31T00:00:00Z

The first column is an id or a name. A column that is missing, and a cell that is empty, say nothing.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ostiary.client.errors import Misused
from ostiary.core.words.instants import from_iso, to_iso

__all__ = ["Line", "read_lines"]

LARGEST = 4 * 1024 * 1024  # bytes
MOST = 20_000  # lines
SHOWN = 20  # errors told at once
DEVICE = "device"
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_COLUMNS = ("isManaged", "isCompliant", "complianceExpirationDateTime")


@dataclass(frozen=True, slots=True)
class Line:
    """One device of the file."""

    number: int
    device: str
    changes: Mapping[str, Any]


def read_lines(path: Path) -> tuple[Line, ...]:
    """What *path* says. Raises Misused with every line that is wrong."""
    rows = _rows(path)
    headings = [cell.strip() for cell in rows[0][1]] if rows else []
    unknown = [each for each in headings[1:] if each not in _COLUMNS]
    if not headings or headings[0] != DEVICE or unknown or len(set(headings)) < len(headings) or len(headings) < 2:
        raise Misused(f"{path}: the first line names the columns: {DEVICE}, and some of {', '.join(_COLUMNS)}")
    found, wrong = [], []
    for number, row in rows[1:]:
        if not any(cell.strip() for cell in row):
            continue
        try:
            found.append(_line(number, headings, row))
        except ValueError as fault:
            wrong.append(f"line {number}: {fault}")
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise Misused(f"{path}: nothing was changed; " + "; ".join([*wrong[:SHOWN], *more]))
    if not found or len(found) > MOST:
        raise Misused(f"{path}: 1 to {MOST} devices are taken at once")
    return tuple(found)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Every row with the number of the line that it ends in."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode("utf-8-sig")
        if len(raw) > LARGEST:
            raise Misused(f"{path}: larger than {LARGEST >> 20} MiB")
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        return [(reader.line_num, row) for row in reader]
    except OSError as fault:
        raise Misused(f"{path}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise Misused(f"{path}: is not UTF-8") from None
    except csv.Error as fault:
        raise Misused(f"{path}: line {reader.line_num}: {fault}") from None


def _line(number: int, headings: list[str], row: list[str]) -> Line:
    if len(row) != len(headings):
        raise ValueError(f"{len(row)} cells, but {len(headings)} columns")
    cells = {name: cell.strip() for name, cell in zip(headings, row, strict=True)}
    device = cells.pop(DEVICE)
    if not device:
        raise ValueError("no device")
    changes = {name: _value(name, cell) for name, cell in cells.items() if cell}
    if not changes:
        raise ValueError("nothing is said of it")
    return Line(number, device, changes)


def _value(name: str, cell: str) -> bool | str:
    if name == _COLUMNS[-1]:
        try:
            return to_iso(from_iso(cell))
        except ValueError:
            raise ValueError(f"{name}: a date-time such as 2026-12-31T00:00:00Z is needed") from None
    if cell.lower() not in _TRUTHS:
        raise ValueError(f"{name}: true or false is needed")
    return _TRUTHS[cell.lower()]
