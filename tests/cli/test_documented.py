"""
docs/cli.md says what the code does (exit statuses, variables, verbs), and each verb's help changes only on purpose.
"""

import contextlib
import io
import re
from pathlib import Path

import pytest

from ostiary.cli import NOUNS, VERBS, build
from ostiary.cli.settings import VARIABLES
from ostiary.client.errors import Exit

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
HELP = Path(__file__).parent / "help"
PATHS = [(), *((name,) for name, _, _ in VERBS), *((n, v[0]) for n, _, verbs in NOUNS for v in verbs)]


def table(heading: str) -> list[tuple[str, str]]:
    """The first table under *heading*, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return [(first.strip("`"), second) for first, second in rows[1:]]


def test_the_table_of_exit_statuses_is_the_code_s() -> None:
    """Scripts rely on them."""
    assert [int(number) for number, _ in table("Exit statuses")] == sorted(int(status) for status in Exit)


def test_the_table_of_variables_is_the_code_s() -> None:
    """Name and meaning."""
    assert table("Environment") == list(VARIABLES)


def test_every_verb_is_documented() -> None:
    """Daily verbs, nouns, and the verbs of each noun."""
    documented = dict(table("Verbs"))
    assert list(documented) == [name for name, _, _ in VERBS] + [name for name, _, _ in NOUNS]
    for name, _, verbs in NOUNS:
        assert re.findall(r"`([a-z-]+)`", documented[name])[: len(verbs)] == [verb[0] for verb in verbs]


def help_of(path: tuple[str, ...]) -> str:
    """What `ostiary … --help` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        build()([*path, "--help"], prog_name="ostiary")
    assert end.value.code == 0
    return out.getvalue()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: "-".join(path) or "root")
def test_the_help_is_the_page_that_was_agreed(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that comes, goes or changes its meaning shows here."""
    monkeypatch.setenv("COLUMNS", "100")
    page = HELP / f"{'-'.join(path) or 'root'}.txt"
    assert page.exists(), f"write {page.name} with: python -m tests.cli.write_help"
    assert help_of(path) == page.read_text()
