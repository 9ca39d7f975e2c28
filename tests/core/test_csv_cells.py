"""Cells that no spreadsheet runs, whatever it takes for the end of a cell."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.csv_cells import defused, row

BEGINS = "=+-@|%＝＋－＠"
texts = st.lists(st.text(st.sampled_from(" ;,\t\n\r\"=+-@|%＝ab'"), max_size=12), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("x;=cmd|' /C calc'!A0", "x;'=cmd|' /C calc'!A0"),
        ('x; "=1+1', "x; \"'=1+1"),
        ("x\t@SUM(1)", "x\t'@SUM(1)"),
        ("x\r\n=1", "x\r\n'=1"),
        ("=1;=2", "'=1;'=2"),
        ("a;b", "a;b"),
        ("well-known = true", "well-known = true"),
    ],
)
def test_a_cell_is_no_formula_behind_a_separator_within_it(said: str, kept: str) -> None:
    """An apostrophe stands where a spreadsheet of another separator would begin one; nothing else changes."""
    assert defused(said) == kept


@given(texts, st.sampled_from(";\t"))
def test_a_row_split_at_another_separator_holds_no_formula(cells: list[str], separator: str) -> None:
    """Excel, where the decimal sign is a comma, splits what we quote at every semicolon."""
    line = row(defused(each) for each in cells)
    for found in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
        assert not [cell for cell in found if cell.strip(" \u00a0").startswith(tuple(BEGINS))], line
