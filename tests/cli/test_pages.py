"""
Commands that the pages tell people to type are commands of today: verb, flags, values that can be read.

They are parsed, not run; what they do is proved by the tests of each verb.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
from typer._click import exceptions
from typer.core import TyperGroup

from ostiary.cli import build

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^ *(?:\$ )?(ostiary [^#\n|>&;]*)", re.MULTILINE)
SPAN = re.compile(r"`(ostiary [^`]+)`")
SKETCH = re.compile(r"[…<|>\[\]]|\bVERB\b")
"""A command that is only hinted at."""

PROGRAM = typer.main.get_command(build())


def commands(text: str) -> tuple[list[str], list[str]]:
    """What a page has as whole lines in blocks, and what it names within sentences (perhaps without its arguments)."""
    blocks = "\n".join(BLOCK.findall(text)).replace("\\\n", " ")
    spans = [" ".join(span.split()) for span in SPAN.findall(text)]
    lines = [
        line.replace("[", "").replace("]", "") for line in LINE.findall(blocks)
    ]  # what may be left out is tried too
    return lines, [span for span in spans if not SKETCH.search(span)]


def trouble(command: str, *, whole: bool) -> str:
    """What the program would say against *command* before doing anything; empty where nothing."""
    node, rest = PROGRAM, shlex.split(command)[1:]
    try:
        context = node.make_context("ostiary", list(rest))
        while isinstance(node, TyperGroup):
            rest = [*context._protected_args, *context.args]
            if not rest:
                break
            name, found, rest = node.resolve_command(context, rest)
            assert found is not None
            node, context = found, found.make_context(name, list(rest), parent=context)
    except (exceptions.MissingParameter, exceptions.BadOptionUsage) as wrong:  # something is left out
        return wrong.format_message() if whole else ""
    except (exceptions.NoArgsIsHelpError, typer.Exit):
        return ""
    except exceptions.UsageError as wrong:
        return wrong.format_message()
    return ""


def test_every_command_of_the_pages_can_be_typed() -> None:
    """In README, docs and examples; at least those of the runbooks are found."""
    listed = subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
    wrong, counts = [], {}
    for name in listed:
        lines, spans = commands((ROOT / name).read_text(encoding="utf-8"))
        counts[name] = len(lines) + len(spans)
        for whole, group in ((True, lines), (False, spans)):
            wrong += [f"{name}: {one}: {said}" for one in group if (said := trouble(one, whole=whole))]
    assert wrong == []
    assert counts["docs/runbooks.md"] > 20


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("ostiary kill-swich on --reason x", "No such command"), ("ostiary audit list --nonsense", "No such option"),
        ("ostiary audit verify", "Missing argument"), ("ostiary kill-switch on", "Missing option"),
        ("ostiary exemption request --reason x --sign-ins many", "Invalid value"),
    ],
)  # fmt: skip
def test_what_cannot_be_typed_is_found(command: str, said: str) -> None:
    """A verb, a flag or a value that is not there, and what is missing."""
    assert said in trouble(command, whole=True)
