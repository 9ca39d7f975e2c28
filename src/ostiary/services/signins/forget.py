"""
Device sign-ins and drills that are over leave their tables; the journal and the sign-in log keep what they were.
"""

from ostiary.core.signins.drill import KEPT
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, drills
from ostiary.store import signins as rows

__all__ = ["KNOWN_FOR", "tend_signins"]

KNOWN_FOR = days(90)
"""How long a machine that somebody signed in from is no "first time" (R11's page)."""


async def tend_signins(house: House, visit: Visit) -> int:
    """Job: forget what ended a day ago, and what was redeemed `KNOWN_FOR` ago; how many there were."""
    before, remembered = after(visit.now, days(-1)), after(visit.now, Span(-KNOWN_FOR))

    async def body(tx: Tx) -> int:
        await drills.forget(tx, before=after(visit.now, Span(-KEPT)))
        return await rows.forget(tx, before=before, remembered=remembered)

    return await house.store.write(body)
