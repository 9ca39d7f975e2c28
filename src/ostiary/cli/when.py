"""
Moments as people write them on a command line, and the files that verbs write to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TextIO

from ostiary.cli.durations import seconds_of
from ostiary.cli.errand import Errand
from ostiary.client.errors import Misused, StorageFailed
from ostiary.core.words.instants import from_iso, from_seconds, to_iso

__all__ = ["new_file", "when"]


def when(errand: Errand, text: str, flag: str) -> str | None:
    """A date (midnight UTC), a date-time or a length of time back (`7d`), as RFC 3339; None for "". Raises Misused."""
    if not text:
        return None
    try:
        day = f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if len(text) == len("2026-11-28") else text
        return to_iso(from_iso(day))
    except ValueError:
        return to_iso(from_seconds(max(0.0, errand.machine.wall() - seconds_of(text, flag))))


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
