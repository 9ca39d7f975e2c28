"""
The inventory in the hands of administrators: registered, admitted, changed, revoked, deleted.

Nothing walks over what a device holds: sessions end with it because their liveness is derived from its row (R8). What
trusts a machine more than before needs a reason.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.devices.changes import admitted, changed, difference, revoked, shown, weakens
from ostiary.core.devices.device import Device, State
from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.device import ShownDevice
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.jose import decode
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.devices.certificates import read_certificate
from ostiary.services.directory.search import search
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, devices, directory

__all__ = [
    "NO_DEVICE", "admit_device", "change_device", "delete_device", "find_device", "list_devices", "own_devices",
    "register_device", "revoke_device", "shown_device",
]  # fmt: skip

NO_DEVICE = Refused(Reason.NOT_FOUND, "There is no such device.")
_TAKEN = Refused(Reason.CONFLICT, "Another device has this key or certificate.")


async def list_devices(house: House, visit: Visit, query: Query, owner: str = "") -> Page[ShownDevice] | Refused:
    """The inventory by name; with *owner* (an id) that person's. One's own: everybody may see them."""
    own = bool(owner) and visit.caller.user == owner
    action = Action.READ_SELF if own else Action.READ_DIRECTORY
    source, values = (devices.OF_OWNER, {"owner_": owner}) if owner else (devices.DEVICES, {})
    page = await search(house, visit, source, query, action=action, **values)
    if isinstance(page, Refused):
        return page
    items = tuple(ShownDevice(each.device, each.owner_name, visit.now) for each in page.items)
    return Page(items, page.next, page.count)


async def own_devices(house: House, visit: Visit) -> tuple[Device, ...] | Refused:
    """The caller's own, the newest first."""
    user, refused = visit.caller.user, judge(Action.READ_SELF, visit.caller, now=visit.now)
    if refused or user is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)

    async def body(tx: Tx) -> tuple[Device, ...]:
        return await devices.of_owner(tx, user)

    return await house.store.read(body)


async def find_device(house: House, visit: Visit, id: str) -> ShownDevice | Refused:
    """One of them; everybody may see their own."""

    async def body(tx: Tx) -> ShownDevice | Refused:
        found = await devices.listed(tx, DeviceId(id))
        own = found is not None and found.device.owner is not None and found.device.owner == visit.caller.user
        refused = judge(Action.READ_SELF if own else Action.READ_DIRECTORY, visit.caller, now=visit.now)
        if refused or found is None:
            return refused or NO_DEVICE
        return ShownDevice(found.device, found.owner_name, visit.now)

    return await house.store.read(body)


async def shown_device(tx: Tx, visit: Visit, device: Device) -> ShownDevice:
    """Step: *device* as an answer shows it."""
    owner = await directory.find(tx, device.owner) if device.owner is not None else None
    return ShownDevice(device, owner.principal_name if owner else "", visit.now)


async def register_device(
    house: House, visit: Visit, changes: Mapping[str, Any], reason: str = ""
) -> ShownDevice | Refused:
    """
    Put a machine into the inventory whose key or certificate is known already; it is admitted with that.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, INVALID_VALUE, CONFLICT.
    """
    id, read = DeviceId(house.random.guid()), read_certificate(changes, visit.now)

    async def body(tx: Tx) -> ShownDevice | Refused:
        refused, why = _may(visit, reason, needed=True)
        new = refused or await _registered(tx, visit, id, read)
        if isinstance(new, Refused):
            return await refuse(tx, visit, Action.WRITE_DEVICES, new, target="device:")
        await devices.add(tx, new)
        detail = {**shown(new), "reason": why}
        await record(tx, visit, Entry(Kind.DEVICE_REGISTERED, target=f"device:{id}", detail=detail))
        return await shown_device(tx, visit, new)

    return await house.store.write(body)


async def _registered(tx: Tx, visit: Visit, id: DeviceId, read: Mapping[str, Any] | Refused) -> Device | Refused:
    """Step: the machine that *read* speaks of, admitted, if all of it may be."""
    if isinstance(read, Refused):
        return read
    owner = await _owner(tx, read.get("owner", ""))
    if isinstance(owner, Refused):
        return owner
    said = {name: value for name, value in read.items() if name not in ("owner", "expires")}
    fresh = changed(Device(id, said["name"], registered=visit.now, asked_from=visit.address), said)
    wrong = _thumbprints(fresh) or (None if fresh.jkt or fresh.certificate else _NO_KEY)
    return wrong or await _held(tx, fresh, None) or admitted(
        replace(fresh, revision=0), now=visit.now, by=visit.caller.actor, owner=owner.id if owner else None,
        expires=read.get("expires"),
    )  # fmt: skip


_NO_KEY = Refused(Reason.INVALID_VALUE, "Name its key or its certificate.", field="ostiary.keyThumbprint")


async def admit_device(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = ""
) -> ShownDevice | Refused:
    """
    Admit a machine that asked, or one that lapsed, for *owner* until *expires* (90 days).

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, NOT_FOUND, WRONG_STATE, INVALID_VALUE.
    """

    async def body(tx: Tx) -> ShownDevice | Refused:
        refused, why = _may(visit, reason, needed=True)
        old = await devices.find(tx, DeviceId(id))
        owner = await _owner(tx, changes.get("owner", ""))
        if refused or old is None or isinstance(owner, Refused):
            refused = refused or (NO_DEVICE if old is None else None) or (owner if isinstance(owner, Refused) else None)
            return await refuse(tx, visit, Action.WRITE_DEVICES, refused or NO_DEVICE, target=f"device:{id[:64]}")
        new = admitted(
            old, now=visit.now, by=visit.caller.actor, owner=owner.id if owner else None,
            expires=changes.get("expires"),
        )  # fmt: skip
        if isinstance(new, Refused):
            return await refuse(tx, visit, Action.WRITE_DEVICES, new, target=f"device:{old.id}")
        return await write_admission(tx, visit, old, new, why)

    return await house.store.write(body)


async def write_admission(tx: Tx, visit: Visit, old: Device, new: Device, why: str) -> ShownDevice | Refused:
    """Step: *new*, admitted, over *old*."""
    if not await devices.change(tx, old, new):
        return Refused(Reason.CONFLICT)
    detail = {
        "name": new.name, "owner": new.owner or "", "key": new.jkt or "", "expires": new.expires,
        "by": new.admitted_by, "reason": why,
    }  # fmt: skip
    await record(tx, visit, Entry(Kind.DEVICE_ADMITTED, target=f"device:{new.id}", detail=detail))
    return await shown_device(tx, visit, new)


async def change_device(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = ""
) -> ShownDevice | Refused:
    """
    Change what is said of a machine; `enabled` false revokes it.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED where it is trusted more than before, NOT_FOUND, WRONG_STATE,
    INVALID_VALUE, CONFLICT.
    """
    given = dict(changes)
    enabled = given.pop("enabled", None)
    if enabled is False and not given:
        return await revoke_device(house, visit, id, reason)

    async def body(tx: Tx) -> ShownDevice | Refused:
        old = await devices.find(tx, DeviceId(id))
        new = await _changed(tx, visit, old, given, reason, enabled)
        if isinstance(new, Refused) or old is None:
            refused = new if isinstance(new, Refused) else NO_DEVICE
            return await refuse(tx, visit, Action.WRITE_DEVICES, refused, target=f"device:{id[:64]}")
        if new != old and not await devices.change(tx, old, new):
            return Refused(Reason.CONFLICT)
        if new != old:
            detail = {**difference(old, new), "reason": tame(reason)}
            await record(tx, visit, Entry(Kind.DEVICE_CHANGED, target=f"device:{old.id}", detail=detail))
        return await shown_device(tx, visit, new)

    return await house.store.write(body)


async def _changed(
    tx: Tx, visit: Visit, old: Device | None, given: Mapping[str, Any], reason: str, enabled: bool | None
) -> Device | Refused:
    """Step: *old* with what was *given*, if all of it may be."""
    refused, _ = _may(visit, reason, needed=False)
    if refused or old is None:
        return refused or NO_DEVICE
    state = old.standing(visit.now)
    if state is State.REVOKED:
        return Refused(Reason.WRONG_STATE, "It was revoked. The machine enrols again.")
    if enabled is not None and enabled is not (state is State.ADMITTED):
        text = "Admit it with ostiary.admit." if enabled else "What revokes it changes nothing else."
        return Refused(Reason.INVALID_VALUE, text, field="accountEnabled")
    read = read_certificate(given, visit.now, old.expires)
    if isinstance(read, Refused):
        return read
    changes = {name: value for name, value in read.items() if name != "owner"}
    if given.get("owner"):
        owner = await _owner(tx, given["owner"])
        if isinstance(owner, Refused):
            return owner
        changes["owner"] = owner.id if owner else None
    if "expires" in changes:
        again = admitted(old, now=visit.now, by=old.admitted_by, owner=None, expires=changes.pop("expires"))
        if isinstance(again, Refused) or old.admitted is None:
            return again if isinstance(again, Refused) else Refused(Reason.WRONG_STATE, "Admit it first.")
        changes["expires"] = again.expires
    new = changed(old, changes)
    if weakens(old, new, visit.now) and not reason:
        return Refused(Reason.REASON_REQUIRED, field="ostiary.reason")
    return _thumbprints(new) or await _held(tx, new, old) or new


async def revoke_device(house: House, visit: Visit, id: str, reason: str = "") -> ShownDevice | Refused:
    """
    End a machine: what it holds is over at once. One's own: everybody may (R3).

    Refused: FORBIDDEN and its kin, NOT_FOUND, WRONG_STATE.
    """

    async def body(tx: Tx) -> ShownDevice | Refused:
        old = await devices.find(tx, DeviceId(id))
        own = old is not None and old.owner is not None and old.owner == visit.caller.user
        action = Action.END_OWN if own else Action.WRITE_DEVICES
        refused = judge(action, visit.caller, now=visit.now)
        new = NO_DEVICE if old is None else revoked(old, now=visit.now, by=visit.caller.actor)
        if refused or old is None or isinstance(new, Refused):
            refused = refused or (new if isinstance(new, Refused) else NO_DEVICE)
            return await refuse(tx, visit, action, refused, target=f"device:{id[:64]}")
        if not await devices.change(tx, old, new):
            return Refused(Reason.CONFLICT)
        detail = {"name": new.name, "owner": new.owner or "", "own": own, "reason": tame(reason)}
        await record(tx, visit, Entry(Kind.DEVICE_REVOKED, target=f"device:{new.id}", detail=detail))
        return await shown_device(tx, visit, new)

    return await house.store.write(body)


async def delete_device(house: House, visit: Visit, id: str, reason: str = "") -> Device | Refused:
    """Take a machine out of the inventory; what it holds is over, and its key may enrol again."""

    async def body(tx: Tx) -> Device | Refused:
        old = await devices.find(tx, DeviceId(id))
        refused = judge(Action.WRITE_DEVICES, visit.caller, now=visit.now)
        if refused or old is None:
            return await refuse(tx, visit, Action.WRITE_DEVICES, refused or NO_DEVICE, target=f"device:{id[:64]}")
        await devices.remove(tx, old.id)
        detail = {**shown(old), "reason": tame(reason)}
        await record(tx, visit, Entry(Kind.DEVICE_DELETED, target=f"device:{old.id}", detail=detail))
        return old

    return await house.store.write(body)


# ---- what they share


def _may(visit: Visit, reason: str, *, needed: bool) -> tuple[Refused | None, str]:
    """Whether the caller may write, and the reason as entries keep it."""
    refused = judge(Action.WRITE_DEVICES, visit.caller, now=visit.now)
    why = read_reason(reason, field="ostiary.reason") if reason or needed else ""
    if isinstance(why, Refused):
        return refused or why, ""
    return refused, why


async def _owner(tx: Tx, key: str) -> User | Refused | None:
    """Step: the person that *key*, a principal name or an id, names; None when it names nobody on purpose."""
    if not key:
        return None
    found = await directory.find_named(tx, normal_name(key)) if "@" in key else await directory.find(tx, UserId(key))
    return found or Refused(Reason.INVALID_VALUE, "There is no such person.", field="owner")


def _thumbprints(device: Device) -> Refused | None:
    """What is wrong with the names of its keys: SHA-256 in base64url without padding."""
    for value, field in ((device.jkt, "keyThumbprint"), (device.certificate, "certificateThumbprint")):
        raw = decode(value) if value is not None else None
        if value is not None and (raw is None or len(raw) != 32):
            return Refused(Reason.INVALID_VALUE, "A SHA-256 thumbprint in base64url has 43 characters.", field=field)
    return None


async def _held(tx: Tx, new: Device, old: Device | None) -> Refused | None:
    """Step: whether another device has its key or certificate."""
    found = [
        await devices.by_key(tx, new.jkt) if new.jkt else None,
        await devices.by_certificate(tx, new.certificate) if new.certificate else None,
    ]
    return _TAKEN if any(each is not None and (old is None or each.id != old.id) for each in found) else None
