"""Compliance in a CSV file: what is taken, and every error with its line."""

from pathlib import Path

import pytest

from ostiary.cli.device_files import LARGEST, Line, read_lines
from ostiary.client.errors import Misused

HEAD = "device,isManaged,isCompliant,complianceExpirationDateTime\n"


def read(folder: Path, text: str | bytes) -> tuple[Line, ...]:
    """A file of that text."""
    path = folder / "devices.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_lines(path)


def test_lines_are_read_with_their_numbers(tmp_path: Path) -> None:
    """Empty cells say nothing, empty lines count, quoted cells may hold commas, and Excel's mark is no letter."""
    text = "\ufeff" + HEAD + 'build-7,true,No,2026-12-31T00:00:00Z\r\n\n"rack, 4",,1,\n'
    assert read(tmp_path, text) == (
        Line(2, "build-7", {"isManaged": True, "isCompliant": False,
                            "complianceExpirationDateTime": "2026-12-31T00:00:00.000000Z"}),
        Line(4, "rack, 4", {"isCompliant": True}),
    )  # fmt: skip


def test_every_wrong_line_is_told_at_once(tmp_path: Path) -> None:
    """With its number and what is wrong with it."""
    text = HEAD + "a,maybe,,\n,true,,\nb,true,true,soon\nc,,,\nd,true\ne,true,,\n"
    with pytest.raises(Misused) as wrong:
        read(tmp_path, text)
    said = str(wrong.value)
    assert "nothing was changed" in said
    for each in ("line 2: isManaged", "line 3: no device", "line 4: complianceExpirationDateTime", "line 5: nothing",
                 "line 6: 2 cells, but 4 columns"):  # fmt: skip
        assert each in said
    assert "line 7" not in said


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    """Twenty are told."""
    with pytest.raises(Misused, match="and 5 more"):
        read(tmp_path, HEAD + "a,x,,\n" * 25)


@pytest.mark.parametrize(
    "text",
    [
        "", "name,isManaged\na,true\n", "device\na\n", "device,isManaged,isManaged\na,true,true\n",
        "device,owner\na,b\n", HEAD, HEAD + "\n\n", b"\xff\xfe", HEAD + 'a,"true\n', b"x" * (LARGEST + 1),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Unknown columns, no lines, other encodings, open quotes, heaps."""
    with pytest.raises(Misused):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(Misused, match=r"nothing\.csv"):
        read_lines(tmp_path / "nothing.csv")
