"""
After a restore from backup: nothing that was issued before it is accepted again.

A copy remembers windows that were closed since, sessions that were ended and codes that were used. So all of them end,
and signing keys and derived keys change. Runs on the copy before it takes the place of the database, so it takes the
store instead of the house.
"""

from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.visit import Visit
from ostiary.outside.random import Random
from ostiary.outside.totp import STEP_SECONDS
from ostiary.services.logs.record import record
from ostiary.store import Store, Tx
from ostiary.store.access import raise_version
from ostiary.store.restore import end_everything, set_epoch

__all__ = ["after_restore"]


async def after_restore(store: Store, visit: Visit, random: Random) -> dict[str, int]:
    """
    End everything that the copy holds; how many of each.

    The new generation of derived keys is random: the same copy restored twice brings no old key back. Signing keys are
    made at the next start (`ensure_keys`).
    """
    generation = int.from_bytes(random.bytes(6), "big") + 1
    step = to_seconds(visit.now) // STEP_SECONDS

    async def body(tx: Tx) -> dict[str, int]:
        ended = await end_everything(tx, now=visit.now, by=visit.caller.actor, step=step)
        await set_epoch(tx, generation)
        await raise_version(tx, OPENINGS)
        await record(tx, visit, Entry(Kind.RESTORED, target="house:", detail=dict(ended)))
        return ended

    return await store.write(body)
