"""
A machine of its own for our program: bubblewrap with a read-only root, another user, no capabilities, and an
environment that is all it knows.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.app.container import ROOT, bare, sandbox
from tests.cli.conftest import Wrapped

VENV = Path(sys.executable).parents[1]
PATH = f"{VENV / 'bin'}:/usr/bin:/bin"


@dataclass(frozen=True)
class Box(Wrapped):
    """A program in it; *words* begin every command."""

    words: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        """As it is run from outside."""
        return [*self.words, *arguments]


def box(
    root: Path, environ: dict[str, str], *, read: Mapping[Path, str] | None = None,
    write: Mapping[Path, str] | None = None, memory: tuple[str, ...] = (),
) -> Box:  # fmt: skip
    """
    Our program on a root at the empty folder *root*: with what it may *read* and *write* and where, and folders in
    *memory*.
    """
    read = {VENV: str(VENV), ROOT / "src": str(ROOT / "src"), **(read or {})}
    write = write or {}
    folders = [
        where for path, where in {**read, **write}.items() if path.is_dir()
    ]  # a file goes over one that is there
    image = bare(root, *folders, *memory)
    words = [*sandbox(image, writable=False), "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]
    for path, where in read.items():
        words += ["--ro-bind", str(path), where]
    for path, where in write.items():
        words += ["--bind", str(path), where]
    for where in memory:
        words += ["--tmpfs", where]
    usual = {"PATH": PATH, "TERM": "xterm", "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    return Box({**usual, **environ}, tuple(words))
