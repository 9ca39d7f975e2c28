"""
How a policy changed: each change as the journal tells it, what of the document is another, and what it said on a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant

__all__ = ["Change", "Difference", "Stand", "differences", "joins", "stands"]

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is another now; None: it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a policy."""

    entry: Recorded

    @property
    def by(self) -> str:
        """Who, as they were called then."""
        return str(self.entry.body.get("actor_name") or self.entry.actor)

    @property
    def why(self) -> str:
        """In their words; empty where nobody asked."""
        return str(self._detail.get("reason") or "")

    @property
    def before(self) -> Document | None:
        """What it said; None: it was made."""
        return self._detail.get("before")

    @property
    def after(self) -> Document | None:
        """What it says from then on; None: it was deleted."""
        return self._detail.get("after")

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What of it is another."""
        return differences(self.before or {}, self.after or {})

    @property
    def _detail(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.entry.body.get("detail", {})
        return found


@dataclass(frozen=True, slots=True)
class Stand:
    """What a policy said from a moment on."""

    since: Instant
    document: Document | None
    """None: there was none."""
    change: Change | None = None
    """What made it so; None: so it was when the stretch began."""


def differences(before: Document, after: Document) -> tuple[Difference, ...]:
    """Each property that differs, by its JSON path; objects are looked into, all else is compared as a whole."""
    return tuple(_differences("$", before, after))


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from _differences(f"{path}.{name}", before.get(name), after.get(name))
    else:
        yield Difference(path, before, after)


def stands(
    start: Instant, end: Instant, *, last: Change | None, during: Sequence[Change], following: Change | None,
    now: Document | None, born: Instant | None,
) -> tuple[Stand, ...]:  # fmt: skip
    """
    What a policy said from *start* until *end*, through the changes *during* (oldest first): *last* is the one before,
    *following* the one after, *now* what it says at present and *born* when it was made, if it is there.
    """
    coming = next(iter((*during, *([following] if following else ()))), None)
    before = now if coming is None else coming.before
    begun = before if last is None else last.after
    changed = [Stand(change.entry.at, change.after, change) for change in during]
    if last is None and begun is not None and born is not None and born > start:  # an original: no entry made it
        made = [Stand(born, begun)] if born < end else []
        return (Stand(start, None), *made, *changed)
    return (Stand(start, begun), *changed)


def joins(chain: Sequence[Change], now: Document | None, *, to_now: bool) -> bool:
    """
    Whether each change of the *chain* (oldest first) begins with what the one before it left, and the last of them left
    what it says *now* where the chain goes on *to_now*. Where two do not join, one between them is missing.
    """
    left = [change.after for change in chain]
    found = [*(change.before for change in chain[1:]), *([now] if to_now and chain else [])]
    return all(one == other for one, other in zip(left, found, strict=False))
