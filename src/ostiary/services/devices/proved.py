"""
Which machine of the inventory a request proved to come from: the one place that looks for it.
"""

from dataclasses import dataclass

from ostiary.core.access.passkey_devices import stands_for
from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import Passkey
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.proof import Bound
from ostiary.core.words.visit import Visit
from ostiary.store import Tx, devices, passkeys

__all__ = ["NO_MACHINE", "Browser", "browser_of", "device_of", "device_of_passkey", "machine_of"]


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser showed of the machine that it runs on; at most one of the two."""

    device: DeviceId | None = None
    """Of the inventory, by its certificate."""
    passkey: str | None = None
    """The passkey that stands for a machine (R22), where no certificate was shown."""


NO_MACHINE = Browser()
"""It showed nothing."""


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


async def machine_of(tx: Tx, passkey: Passkey, built_in: frozenset[str], now: Instant) -> Device | None:
    """Step: the machine that *passkey* stands for at *now*; *built_in* as in `Picture`."""
    found = await devices.find(tx, passkey.device) if passkey.device is not None else None
    return found if stands_for(passkey, found, built_in, now) else None


async def device_of_passkey(
    tx: Tx, id: str | None, user: UserId | None, built_in: frozenset[str], now: Instant
) -> Device | None:
    """Step: the machine that *user*'s passkey *id* stands for at *now*; None for one that was removed meanwhile."""
    found = await passkeys.by_id(tx, id) if id is not None else None
    return await machine_of(tx, found, built_in, now) if found is not None and found.user == user else None


async def browser_of(tx: Tx, visit: Visit, built_in: frozenset[str]) -> Browser:
    """
    Step: what the person's browser shows of its machine: by its certificate; without any, by the passkey of its
    session. A certificate that is nobody's, or does not count, says that it is elsewhere.
    """
    if visit.proof.x5t is not None or visit.proof.unfit:
        shown = await device_of(tx, Bound(x5t=visit.proof.x5t))
        return Browser(device=shown.id if shown is not None and shown.counts(visit.now) else None)
    passkey, user = visit.caller.passkey, visit.caller.user
    machine = await device_of_passkey(tx, passkey, user, built_in, visit.now)
    return Browser(passkey=passkey if machine is not None else None)
