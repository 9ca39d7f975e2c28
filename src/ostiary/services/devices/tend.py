"""
Machines whose time ran out are told of in the journal; requests that nobody admitted and machines that were over long
ago leave their table, and the journal keeps their story.
"""

from ostiary.core.devices.device import PENDING_FOR
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, Span, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, devices, logs

__all__ = ["KEPT", "announce_lapsed", "tend_devices"]

READER = "device_lapses"  # the cursor's row; its position is an instant, not a place in the journal

KEPT = days(90)
"""How long one that lapsed or was revoked stays in sight; one that lapsed may be admitted again until then."""


async def tend_devices(house: House, visit: Visit) -> int:
    """Job: how many were forgotten. A machine that asked may ask again."""
    asked, over = after(visit.now, Span(-PENDING_FOR)), after(visit.now, Span(-KEPT))

    async def body(tx: Tx) -> int:
        return await devices.forget(tx, asked_before=asked, over_before=over)

    return await house.store.write(body)


async def announce_lapsed(house: House, visit: Visit) -> int:
    """
    Job: write once for each machine that its time ran out; how many. Touches nothing that decides. The first run only
    begins: what lapsed before it was watched is no news.
    """

    async def body(tx: Tx) -> int:
        seen = await logs.cursor(tx, READER)
        lapsed = await devices.lapsed(tx, after=Instant(seen), until=visit.now) if seen else []
        if (seen and not lapsed) or not await logs.move_cursor(tx, READER, seen=seen, position=visit.now):
            return 0
        for device in lapsed:
            detail = {"name": device.name, "owner": device.owner, "expires": device.expires}
            await record(tx, visit, Entry(Kind.DEVICE_LAPSED, target=f"device:{device.id}", detail=detail))
        return len(lapsed)

    return await house.store.write(body)
