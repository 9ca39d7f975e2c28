"""
When a passkey stands for a machine of the inventory (R22): asked when it is made, and again whenever it is used.

A passkey alone says which key signed, not where. It says where only if its key cannot leave the authenticator (BE = 0),
the maker of that model says so, the operator says that the model is built into machines, and a browser that showed the
machine's certificate made it.
"""

from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import Passkey, device_bound
from ostiary.core.words.instants import Instant

__all__ = ["stands_for"]


def stands_for(passkey: Passkey, device: Device | None, models: frozenset[str], now: Instant) -> bool:
    """
    Whether *passkey* stands for *device* at *now*, given the *models* (AAGUID) that are built into machines.

    The machine is as it is now: admitted, managed, its person's own, and with the certificate still by which it was
    shown; another certificate ends what the old one got (decision 0051).
    """
    if device is None or passkey.device != device.id:
        return False
    of_hardware = device_bound(passkey) and passkey.attested and passkey.aaguid in models
    shown = passkey.certificate is not None and passkey.certificate == device.certificate
    return of_hardware and shown and device.owner == passkey.user and device.managed and device.counts(now)
