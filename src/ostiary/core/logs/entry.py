"""
One journal entry: what a deed leaves behind, in the deed's own transaction. `canonical.py` is how it is written down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant

Detail = Mapping[str, Any]

TEXT_LIMIT = 512  # bytes of any one text that came from outside (R21)


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, before it has a place in a stream."""

    kind: Kind
    target: str = ""
    """What it was done to, e.g. ``user:…`` or ``exemption:…``."""
    story: str = ""
    """The sign-in or deed that it belongs to; empty means the visit's own id."""
    detail: Detail = field(default_factory=dict)
    """More, by the keys that the kind names. Never a secret."""


def tame(text: str) -> str:
    """*text* with control characters escaped and cut to 512 bytes of UTF-8 (R21): fit for a log line."""
    if text.isprintable() and text.isascii() and len(text) <= TEXT_LIMIT:
        return text  # almost every text is: nothing to escape, one byte a character
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:TEXT_LIMIT])
    return clean.encode("utf-8", "replace")[:TEXT_LIMIT].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the journal."""

    position: int
    stream: str
    number: int
    kind: str
    at: Instant
    story: str
    actor: str
    target: str
    body: Mapping[str, Any]
    """The canonical object, read back."""
