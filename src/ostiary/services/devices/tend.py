"""
Requests that nobody admitted and machines that were over long ago leave their table; the journal keeps their story.
"""

from ostiary.core.devices.device import PENDING_FOR
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, devices

__all__ = ["KEPT", "tend_devices"]

KEPT = days(90)
"""How long one that lapsed or was revoked stays in sight; one that lapsed may be admitted again until then."""


async def tend_devices(house: House, visit: Visit) -> int:
    """Job: how many were forgotten. A machine that asked may ask again."""
    asked, over = after(visit.now, Span(-PENDING_FOR)), after(visit.now, Span(-KEPT))

    async def body(tx: Tx) -> int:
        return await devices.forget(tx, asked_before=asked, over_before=over)

    return await house.store.write(body)
