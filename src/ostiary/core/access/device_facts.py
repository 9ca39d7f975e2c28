"""
What a machine of the inventory is to policy.
"""

from ostiary.core.access.facts import DeviceFacts
from ostiary.core.devices.device import Device
from ostiary.core.words.instants import Instant

__all__ = ["device_facts"]


def device_facts(device: Device | None, now: Instant) -> DeviceFacts | None:
    """
    *device*, whose key or certificate was proved, at *now*; None for none, and for one that is pending, lapsed or
    revoked: it is not registered.
    """
    if device is None or not device.counts(now):
        return None
    attributes = {"displayName": device.name, **device.properties}
    return DeviceFacts(device.id, device.complies(now), device.managed, key_bound=True, attributes=attributes)
