"""
What may be changed of a device, and which changes make a guardrail weaker.

A change that lets a machine pass where it did not pass before needs a reason; one that takes something away needs none.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.devices.device import LIFETIME, LONGEST, Device, State
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["PROPERTIES", "admitted", "changed", "difference", "revoked", "shown", "weakens"]

_TEXTS = (
    "operatingSystem", "operatingSystemVersion", "manufacturer", "model", "mdmAppId", "enrollmentProfileName",
    "profileType", "deviceOwnership", "trustType", *(f"extensionAttribute{n}" for n in range(1, 16)),
)  # fmt: skip
_LISTS = ("physicalIds", "systemLabels")
PROPERTIES = (*_TEXTS, *_LISTS)
"""Names in `Device.properties`: those of Entra's device filters."""


def changed(old: Device, changes: Mapping[str, Any]) -> Device:
    """
    *old* with *changes*: fields by their names, properties by Entra's; a null takes a property away.
    """
    own = {name: value for name, value in changes.items() if name not in PROPERTIES}
    properties = {**old.properties, **{name: value for name, value in changes.items() if name in PROPERTIES}}
    kept = {name: value for name, value in sorted(properties.items()) if value}
    new = replace(old, **own, properties=kept)
    return old if new == old else replace(new, revision=old.revision + 1)


def weakens(old: Device, new: Device, now: Instant) -> bool:
    """Whether *new* may pass where *old* did not."""
    longer = (new.expires or Instant(0)) > (old.expires or Instant(0))
    return (
        (new.managed and not old.managed)
        or (new.complies(now) and not old.complies(now))
        or (new.complies(now) and _later(new.compliance_ends, old.compliance_ends))
        or (new.counts(now) and (longer or not old.counts(now)))
        or new.properties != old.properties
        or new.name != old.name  # device rules see it as displayName
        or (new.certificate != old.certificate and new.certificate is not None)
    )


def _later(new: Instant | None, old: Instant | None) -> bool:
    return old is not None and (new is None or new > old)


def admitted(old: Device, *, now: Instant, by: str, owner: UserId | None, expires: Instant | None) -> Device | Refused:
    """
    *old*, admitted until *expires*; one that lapsed may be admitted again, one that was revoked never.

    Reasons: WRONG_STATE, INVALID_VALUE.
    """
    state = old.standing(now)
    if state is State.REVOKED or (state is State.LAPSED and old.admitted is None):
        return Refused(Reason.WRONG_STATE, "That enrolment is over. The machine enrols again.")
    ends = expires if expires is not None else after(now, LIFETIME)
    if not now < ends <= after(now, LONGEST):
        return Refused(Reason.INVALID_VALUE, "An admission ends within 366 days.", field="expirationDateTime")
    if owner is None and old.owner is None:
        return Refused(Reason.INVALID_VALUE, "A device has an owner: say who.", field="ownerId")
    return replace(
        old, admitted=old.admitted if old.admitted is not None else now, admitted_by=by, expires=ends,
        owner=owner if owner is not None else old.owner, revision=old.revision + 1,
    )  # fmt: skip


def revoked(old: Device, *, now: Instant, by: str) -> Device | Refused:
    """*old*, which counts for nothing from *now* on and never again. WRONG_STATE when it was revoked before."""
    if old.revoked is not None:
        return Refused(Reason.WRONG_STATE, "It was revoked before.")
    return replace(old, revoked=now, revoked_by=by, revision=old.revision + 1)


def shown(device: Device) -> dict[str, Any]:
    """The device as its entries show it."""
    return {
        "name": device.name,
        "owner": device.owner or "",
        "key": device.jkt or "",
        "certificate": device.certificate or "",
        "managed": device.managed,
        "compliant": device.compliant,
        "compliance_ends": device.compliance_ends,
        "expires": device.expires,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in device.properties.items()},
    }


def difference(old: Device, new: Device) -> dict[str, Any]:
    """Which of the shown fields changed: before and after."""
    before, now = shown(old), shown(new)
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return {
        "name": new.name,
        "before": {name: before.get(name) for name in names},
        "after": {name: now.get(name) for name in names},
    }
