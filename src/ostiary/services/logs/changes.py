"""
What was written to the journal of late: which kinds of entries, and nothing of what they say.

For whoever keeps something up to date that is read by other deeds; those judge who may see it.
"""

from typing import NamedTuple

from ostiary.services.house import House
from ostiary.store import Tx, logs

__all__ = ["Changes", "changes_since"]

MOST = 200
"""Entries of one look; behind more than that it goes on from the end, and says so."""


class Changes(NamedTuple):
    """What was written after a place."""

    position: int
    """The place from which to go on."""
    kinds: frozenset[str]
    beyond: bool = False
    """Whether there was more than one look tells: anything may have been written."""


async def changes_since(house: House, after: int | None) -> Changes:
    """The next entries after the place *after*; None begins at the end of now."""

    async def body(tx: Tx) -> Changes:
        if after is None:
            return Changes(await logs.head(tx), frozenset())
        kinds, last, count = await logs.kinds_since(tx, after, MOST)
        return Changes(last, kinds) if count < MOST else Changes(await logs.head(tx), kinds, beyond=True)

    return await house.store.read(body)
