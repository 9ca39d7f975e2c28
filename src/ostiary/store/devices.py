"""
The device inventory as rows: by id, by key, by certificate, and as a list that is filtered and paged.

A change compares the revision that it saw. `seen` moves without it: nobody decides by that.
"""

from dataclasses import dataclass, fields
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from ostiary.core.devices.device import MOST_PENDING, Device
from ostiary.core.graph.query import Order
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.ask import Source
from ostiary.store.schema import devices, users
from ostiary.store.sql import sql

__all__ = [
    "COLUMNS", "DEVICES", "OF_OWNER", "Listed", "add", "admitted_of", "by_certificate", "by_key", "change", "device_of",
    "find", "forget", "listed", "of_owner", "pending", "remove", "seen",
]  # fmt: skip

_NAMES = tuple(field.name for field in fields(Device))
COLUMNS = tuple(devices.c[name] for name in _NAMES)
"""What `device_of` reads, in its order."""
_SELECT = select(*COLUMNS)


def _values(*names: str) -> dict[str, Any]:
    """Columns by the parameters that `_row` fills."""
    return {name: bindparam(f"{name}_new") for name in names}


_FIND = sql(_SELECT.where(devices.c.id == bindparam("id_")))
_LAPSED = sql(
    _SELECT.where(
        devices.c.expires > bindparam("after"),
        devices.c.expires <= bindparam("until"),
        devices.c.admitted.is_not(None),
        devices.c.revoked.is_(None),
    ).order_by(devices.c.expires, devices.c.id)
)
_BY_KEY = sql(_SELECT.where(devices.c.jkt == bindparam("jkt_")))
_BY_CERTIFICATE = sql(_SELECT.where(devices.c.certificate == bindparam("certificate_")))
_OF_OWNER = sql(
    _SELECT.where(devices.c.owner == bindparam("owner_"))
    .order_by(devices.c.registered.desc(), devices.c.id)
    .limit(bindparam("most"))
)
_ADD = sql(insert(devices).values(_values(*_NAMES)))
_CHANGE = sql(
    update(devices)
    .where(devices.c.id == bindparam("id_"), devices.c.revision == bindparam("revision_"), devices.c.revoked.is_(None))
    .values(_values(*(name for name in _NAMES if name not in ("id", "registered", "asked_from", "seen"))))
)
_SEEN = sql(update(devices).where(devices.c.id == bindparam("id_")).values(seen=bindparam("now")))
_REMOVE = sql(delete(devices).where(devices.c.id == bindparam("id_")))
_waiting = and_(devices.c.admitted.is_(None), devices.c.revoked.is_(None))
_PENDING = sql(
    select(devices.c.owner, devices.c.asked_from)
    .where(_waiting, devices.c.registered > bindparam("since"))
    .limit(MOST_PENDING + 1)
)
_ADMITTED_OF = sql(
    select(func.count())
    .select_from(devices)
    .where(
        devices.c.owner == bindparam("owner_"), devices.c.revoked.is_(None), devices.c.admitted.is_not(None),
        devices.c.expires > bindparam("now"),
    )
)  # fmt: skip
_FORGET = sql(
    delete(devices).where(
        or_(
            and_(_waiting, devices.c.registered <= bindparam("asked_before")),
            devices.c.revoked <= bindparam("over_before"),
            devices.c.expires <= bindparam("over_before"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A device with the name of its owner."""

    device: Device
    owner_name: str = ""


def device_of(row: Row) -> Device:
    """The columns `COLUMNS` as a value."""
    found: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    read = orjson.loads(found.pop("properties"))
    properties = {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
    found["managed"], found["compliant"] = bool(found["managed"]), bool(found["compliant"])
    return Device(**found, properties=properties)


def _row(device: Device) -> dict[str, Any]:
    values = {f"{name}_new": getattr(device, name) for name in _NAMES}
    values["properties_new"] = orjson.dumps(dict(device.properties), option=orjson.OPT_SORT_KEYS).decode()
    values["managed_new"], values["compliant_new"] = int(device.managed), int(device.compliant)
    return values


_ASK = {
    "id": devices.c.id, "name": devices.c.name, "owner": devices.c.owner, "owner_name": users.c.principal_name,
    "managed": devices.c.managed, "compliant": devices.c.compliant, "registered": devices.c.registered,
    "admitted": devices.c.admitted, "expires": devices.c.expires, "revoked": devices.c.revoked, "seen": devices.c.seen,
    "jkt": devices.c.jkt,
}  # fmt: skip
_LISTED = select(*COLUMNS, func.coalesce(users.c.principal_name, "")).select_from(
    devices.outerjoin(users, users.c.id == devices.c.owner)
)


def _listed(row: Row) -> Listed:
    return Listed(device_of(row[:-1]), row[-1])


_BY_NAME = Order("name")
DEVICES: Source[Listed] = Source(_LISTED, _ASK, devices.c.id, _BY_NAME, _listed)
OF_OWNER: Source[Listed] = Source(
    _LISTED.where(devices.c.owner == bindparam("owner_")), _ASK, devices.c.id, _BY_NAME, _listed
)
"""Those of `owner_`."""
_LISTED_ONE = sql(_LISTED.where(devices.c.id == bindparam("id_")))


async def find(tx: Tx, id: DeviceId) -> Device | None:
    """The device."""
    row = await tx.one(_FIND, id_=id)
    return None if row is None else device_of(row)


async def listed(tx: Tx, id: DeviceId) -> Listed | None:
    """The device with its owner's name."""
    row = await tx.one(_LISTED_ONE, id_=id)
    return None if row is None else _listed(row)


async def by_key(tx: Tx, jkt: str) -> Device | None:
    """The device that enrolled with the key of this thumbprint (RFC 7638), whatever became of it."""
    row = await tx.one(_BY_KEY, jkt_=jkt)
    return None if row is None else device_of(row)


async def by_certificate(tx: Tx, thumbprint: str) -> Device | None:
    """The device with the client certificate of this thumbprint (`x5t#S256`), whatever became of it."""
    row = await tx.one(_BY_CERTIFICATE, certificate_=thumbprint)
    return None if row is None else device_of(row)


async def of_owner(tx: Tx, owner: UserId, *, most: int = 50) -> tuple[Device, ...]:
    """Those of *owner*, the newest first."""
    return tuple(device_of(row) for row in await tx.all(_OF_OWNER, owner_=owner, most=most))


async def admitted_of(tx: Tx, owner: UserId, now: Instant) -> int:
    """How many of *owner* are admitted at *now*."""
    row = await tx.one(_ADMITTED_OF, owner_=owner, now=now)
    return int(row[0]) if row else 0


async def lapsed(tx: Tx, *, after: Instant, until: Instant) -> list[Device]:
    """Admitted ones that nobody revoked, and whose time ran out in (after, until]."""
    return [device_of(row) for row in await tx.all(_LAPSED, after=after, until=until)]


async def pending(tx: Tx, since: Instant) -> list[tuple[UserId | None, str]]:
    """Owner and address of the requests that came after *since* and wait."""
    return [(None if owner is None else UserId(owner), place) for owner, place in await tx.all(_PENDING, since=since)]


async def add(tx: Tx, device: Device) -> None:
    """A new one. A key or certificate that is there already violates its index and fails the deed."""
    await tx.run(_ADD, **_row(device))


async def change(tx: Tx, old: Device, new: Device) -> bool:
    """Compare-and-swap: False when *old* moved, or was revoked meanwhile."""
    values = _row(new)
    for fixed in ("id", "registered", "asked_from", "seen"):
        del values[f"{fixed}_new"]
    return await tx.run(_CHANGE, id_=old.id, revision_=old.revision, **values) == 1


async def seen(tx: Tx, id: DeviceId, now: Instant) -> None:
    """Remember that it signed somebody in at *now*."""
    await tx.run(_SEEN, id_=id, now=now)


async def remove(tx: Tx, id: DeviceId) -> bool:
    """Delete it: what it holds ends, for a device that is not there counts for nothing."""
    return await tx.run(_REMOVE, id_=id) == 1


async def forget(tx: Tx, *, asked_before: Instant, over_before: Instant) -> int:
    """Delete requests that nobody admitted, and what was over before *over_before*; how many there were."""
    return await tx.run(_FORGET, asked_before=asked_before, over_before=over_before)
