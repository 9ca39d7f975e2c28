"""
Retention of the sign-in log: sign-ins older than they are kept leave it, in pieces, each with an entry of the journal
in its own transaction that says how many went and until when. What the journal has of them is another question
(`prune.py`).

Those of an exemption that is open, or owed a review, stay, and so does what something was written of since.
"""

from typing import NamedTuple

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.retention import cutoff
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, gone
from ostiary.store.gone import NO_STORY, OldStory

__all__ = ["prune_sign_ins", "remove_sign_ins"]

BATCH = 250  # sign-ins of one transaction: it shares the loop with sign-ins


class Piece(NamedTuple):
    """What one transaction did."""

    last: OldStory
    """Up to which it looked."""
    went: int
    more: bool


async def prune_sign_ins(house: House, visit: Visit) -> int:
    """Job: remove what is older than sign-ins are kept; how many went."""
    kept = house.settings.sign_ins_kept
    if kept is None:
        return 0
    reason = f"kept for {kept // days(1)} days"
    return await remove_sign_ins(house, visit, before=cutoff(visit.now, kept), reason=reason)


async def remove_sign_ins(house: House, visit: Visit, *, before: Instant, reason: str) -> int:
    """Remove the sign-ins that were over *before*; how many there were."""
    last, done, more = NO_STORY, 0, True

    async def body(tx: Tx) -> Piece:
        return await _next(tx, visit, last, before, reason)

    while more:
        last, went, more = await house.store.write(body)
        done += went
    return done


async def _next(tx: Tx, visit: Visit, after: OldStory, before: Instant, reason: str) -> Piece:
    """Step: the next old sign-ins, and the entry that says so."""
    old = await gone.old_stories(tx, after=after, before=before, most=BATCH)
    live = await gone.live(tx, visit.now) if old else frozenset()
    going = [one for one in old if one.exemption not in live]
    for one in going:
        await gone.remove_story(tx, one.id)
    if going:
        detail = {
            "count": len(going), "first": going[0].started, "last": going[-1].started, "kept": len(old) - len(going),
            "reason": reason,
        }  # fmt: skip
        await record(tx, visit, Entry(Kind.SIGN_INS_REMOVED, target="log", detail=detail))
    return Piece(old[-1] if old else after, len(going), len(old) == BATCH)
