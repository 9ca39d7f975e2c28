"""
Faults: exceptions that a door answered for, noted under the reference that the caller was given.

The class of the error is written, never its message: that may hold what nobody may read.
"""

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import StoreError
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx


async def note(house: House, visit: Visit, error: BaseException) -> bool:
    """
    Write that *error* happened at *visit*, in a transaction of its own; False when it is one of a flood or cannot be.
    """
    name = type(error).__qualname__
    if not house.floods.admit("", visit.address, f"fault:{name}", visit.now):
        return False

    async def body(tx: Tx) -> None:
        await record(tx, visit, Entry(Kind.FAULT, detail={"reference": visit.id, "error": name}))

    try:
        await house.store.write(body)
    except StoreError:  # the store itself is what failed; the process says so by being unready
        return False
    return True
