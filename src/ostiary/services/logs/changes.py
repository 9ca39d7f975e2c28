"""
What was written to the journal of late: which kinds of entries, and nothing of what they say.

For whoever keeps something up to date that is read by other deeds; those judge who may see it.
"""

from typing import NamedTuple

from ostiary.services.house import House
from ostiary.store import Tx, logs

__all__ = ["Changes", "changes_since"]

MOST = 200
"""Entries of one look: the next look begins where it ended."""


class Changes(NamedTuple):
    """What was written after a place."""

    position: int
    """The place from which to go on."""
    kinds: frozenset[str]


async def changes_since(house: House, after: int | None) -> Changes:
    """The next entries after the place *after*; None begins at the end of now."""

    async def body(tx: Tx) -> Changes:
        if after is None:
            return Changes(await logs.head(tx), frozenset())
        found = await logs.since(tx, after, MOST)
        return Changes(found[-1].position if found else after, frozenset(each.kind for each in found))

    return await house.store.read(body)
