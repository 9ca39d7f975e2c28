"""
Files that verbs read and write: bounded, and never one over another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ostiary.cli.errand import Errand
from ostiary.client.errors import Misused, StorageFailed

__all__ = ["new_file", "read_bytes", "read_text"]


def read_bytes(path: Path, limit: int) -> bytes:
    """What is in *path*, at most *limit* bytes. Raises Misused."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as wrong:
        raise Misused(f"{path}: {wrong.strerror}") from None
    if len(raw) > limit:
        raise Misused(f"{path}: longer than {limit} bytes")
    return raw


def read_text(path: Path, limit: int) -> str:
    """The text in *path*, of at most *limit* bytes of UTF-8. Raises Misused."""
    try:
        return read_bytes(path, limit).decode()
    except UnicodeDecodeError:
        raise Misused(f"{path}: not UTF-8") from None


@contextmanager
def new_file(errand: Errand, out: Path | None) -> Iterator[TextIO]:
    """Where data goes: *out*, which must not exist yet, or stdout. Raises Misused, StorageFailed."""
    if out is None:
        yield errand.screen.out
        return
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            yield file
    except FileExistsError:
        raise Misused(f"{out} exists and is not overwritten") from None
    except OSError as wrong:
        raise StorageFailed(f"{out}: {wrong.strerror}") from None
