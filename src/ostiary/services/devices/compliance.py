"""
What others say of machines: signed messages about compliance, and the secrets that they are signed with.

A message counts once, and only while its time is near (its id is remembered for as long). It says whether machines that
were admitted are managed and compliant, and until when, and nothing else. The secret is sealed (R17): it must be read
back to check a signature.
"""

from base64 import b64encode
from dataclasses import dataclass, replace

import orjson

from ostiary.core.devices.changes import changed, difference
from ostiary.core.devices.webhook import (
    MOST_HOOKS,
    PREFIX,
    PURPOSE,
    SECRET_BYTES,
    WINDOW,
    Said,
    Signed,
    genuine,
    in_time,
    read_said,
)
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.device_settings import ShownHook
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.instants import Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, assertions, device_settings, devices
from ostiary.store.device_settings import Hook

__all__ = ["Heard", "add_hook", "hear", "list_hooks", "remove_hook"]

_TABLE, _FIELD = "device_hooks", "sealed"
_STRANGER = Refused(Reason.CLIENT_AUTHENTICATION)
"""One answer for a wrong signature, an old message, and a house that listens to nobody."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a message."""

    changed: int
    """How many machines are another now."""
    unknown: tuple[DeviceId, ...] = ()
    """Named, and no machine that was admitted."""
    again: bool = False
    """It came before: nothing was done now."""


async def hear(house: House, visit: Visit, signed: Signed) -> Heard | Refused:
    """Take a message. Reasons: CLIENT_AUTHENTICATION, INVALID_REQUEST."""
    hooks = [hook for hook in await house.store.read(device_settings.hooks) if _genuine(house, hook, signed)]
    if not hooks or not in_time(signed, visit.now):
        return _STRANGER
    said = _read(signed.body)
    if isinstance(said, Refused):
        return said
    hook, key = hooks[0], digest(f"hook:{hooks[0].id}:{signed.id}")
    sender = replace(visit, caller=Caller(CallerKind.SYSTEM, "compliance-webhook", hook.name))

    async def body(tx: Tx) -> Heard:
        if await assertions.source(tx, key) is not None:
            return Heard(0, again=True)
        await assertions.add(tx, key, source="hook", ends=after(visit.now, Span(2 * WINDOW)))
        await device_settings.use_hook(tx, hook.id, visit.now)
        done = [(one.device, await _apply(tx, sender, hook, one)) for one in said]
        unknown = tuple(device for device, moved in done if moved is None)
        return Heard(sum(moved is True for _, moved in done), unknown)

    return await house.store.write(body)


def _genuine(house: House, hook: Hook, signed: Signed) -> bool:
    try:
        secret = house.vault.open(PURPOSE, _TABLE, hook.id, _FIELD, hook.sealed)
    except SealBroken:
        return False
    return genuine(secret, signed)


def _read(body: bytes) -> tuple[Said, ...] | Refused:
    try:
        read = read_said(orjson.loads(body))
    except orjson.JSONDecodeError:
        read = "$: This is not JSON."
    return Refused(Reason.INVALID_REQUEST, read[:200], field="body") if isinstance(read, str) else read


async def _apply(tx: Tx, visit: Visit, hook: Hook, said: Said) -> bool | None:
    """Step: whether the machine is another now; None when there is none that this could be said of."""
    old = await devices.find(tx, said.device)
    if old is None or not old.counts(visit.now):
        return None
    new = changed(old, said.changes)
    if new == old or not await devices.change(tx, old, new):
        return False
    detail = {**difference(old, new), "hook": hook.id}
    await record(tx, visit, Entry(Kind.DEVICE_COMPLIANCE, target=f"device:{old.id}", detail=detail))
    return True


# ---- the secrets


async def list_hooks(house: House, visit: Visit, query: Query) -> Page[ShownHook] | Refused:
    """Every webhook on one page, without its secret. Refused: a filter."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)
    if refused is None and (query.filter is not None or query.order is not None):
        refused = Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")

    async def body(tx: Tx) -> Page[ShownHook] | Refused:
        if refused:
            return refused
        found = tuple(ShownHook(h.id, h.name, h.created, h.used) for h in await device_settings.hooks(tx))
        return Page(found, None, len(found) if query.count else None)

    return await house.store.read(body)


async def add_hook(house: House, visit: Visit, name: str, reason: str = "") -> ShownHook | Refused:
    """
    Make a secret, shown this once. Refused: FORBIDDEN and its kin, REASON_REQUIRED, CONFLICT when there are enough.
    """
    id, secret = house.random.guid(), house.random.bytes(SECRET_BYTES)
    sealed = house.vault.seal(PURPOSE, _TABLE, id, _FIELD, secret)
    why = read_reason(reason)

    async def body(tx: Tx) -> ShownHook | Refused:
        refused = judge(Action.WRITE_DEVICES, visit.caller, now=visit.now)
        refused = refused or (why if isinstance(why, Refused) else None)
        if refused is None and len(await device_settings.hooks(tx)) >= MOST_HOOKS:
            refused = Refused(Reason.CONFLICT, f"There are {MOST_HOOKS} already. Remove one first.")
        if refused:
            return await refuse(tx, visit, Action.WRITE_DEVICES, refused, target="device_hook:")
        await device_settings.add_hook(tx, Hook(id, name, sealed, visit.now))
        detail = {"name": tame(name), "hook": id, "reason": why}
        await record(tx, visit, Entry(Kind.DEVICE_HOOK_ADDED, target=f"device_hook:{id}", detail=detail))
        return ShownHook(id, name, visit.now, secret=PREFIX + b64encode(secret).decode())

    return await house.store.write(body)


async def remove_hook(house: House, visit: Visit, id: str) -> bool | Refused:
    """Stop to listen. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> bool | Refused:
        refused = judge(Action.WRITE_DEVICES, visit.caller, now=visit.now)
        found = None if refused else next((h for h in await device_settings.hooks(tx) if h.id == id), None)
        if refused or found is None:
            refused = refused or Refused(Reason.NOT_FOUND)
            return await refuse(tx, visit, Action.WRITE_DEVICES, refused, target=f"device_hook:{id[:64]}")
        await device_settings.remove_hook(tx, id)
        detail = {"name": tame(found.name), "hook": id}
        await record(tx, visit, Entry(Kind.DEVICE_HOOK_REMOVED, target=f"device_hook:{id}", detail=detail))
        return True

    return await house.store.write(body)
