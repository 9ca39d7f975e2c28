"""
Which machine of the inventory a request proved to come from: the one place that looks for it.
"""

from ostiary.core.devices.device import Device
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.proof import Bound
from ostiary.core.words.visit import Visit
from ostiary.store import Tx, devices

__all__ = ["browsers_device", "device_of"]


async def device_of(tx: Tx, key: Bound) -> Device | None:
    """
    Step: the machine that enrolled with *key* or is registered with that certificate, whatever became of it; None for
    one that nobody enrolled. One that only waits for its first admission is none either: nobody trusts it yet, so there
    is nothing to lose.
    """
    if key.jkt is not None:
        found = await devices.by_key(tx, key.jkt)
    else:
        found = await devices.by_certificate(tx, key.x5t) if key.x5t is not None else None
    return found if found is not None and found.admitted is not None else None


async def browsers_device(tx: Tx, visit: Visit) -> DeviceId | None:
    """
    Step: the machine of the inventory that the person's browser runs on, as it showed that machine's certificate; None
    for no certificate, one of nobody, and a machine that does not count now.
    """
    found = await device_of(tx, Bound(x5t=visit.proof.x5t))
    return found.id if found is not None and found.counts(visit.now) else None
