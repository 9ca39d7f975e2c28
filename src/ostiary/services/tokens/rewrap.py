"""
A new master key while serving: every sealed value is sealed anew under it (R17).

Owns the list of purposes behind the places of `store/seals.py`. A value that is under the current key already stays as
it is, so a rewrap that was killed simply runs again. Where master keys come from is `app`'s business.
"""

from dataclasses import dataclass

from ostiary.core.devices.webhook import PURPOSE as HOOKS
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.sinks import PURPOSE as SINKS
from ostiary.core.notices.channel import PURPOSE as CHANNELS
from ostiary.core.signals.streams import PURPOSE as SIGNALS
from ostiary.core.words.visit import Visit
from ostiary.outside.signing_keys import PURPOSE
from ostiary.outside.vault import SealBroken
from ostiary.services.directory.credentials import SEED
from ostiary.services.directory.erase import stamp_anew
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.tokens.upstream import GRANT
from ostiary.store import Tx, seals
from ostiary.store.seals import Place, Value

__all__ = ["PURPOSES", "rewrap"]

BATCH = 64  # values a transaction: no sign-in waits longer for it than for any other group

PURPOSES: tuple[tuple[Place, str], ...] = (
    (seals.SIGNING_KEYS, PURPOSE), (seals.AUTHENTICATORS, SEED), (seals.DEVICE_HOOKS, HOOKS),
    (seals.UPSTREAM_GRANTS, GRANT), (seals.NOTICE_CHANNELS, CHANNELS), (seals.SIGNAL_STREAMS, SIGNALS),
    (seals.LOG_SINKS, SINKS),
)  # fmt: skip
"""What the values of each place are sealed for."""


@dataclass(slots=True)
class _Tally:
    values: int = 0
    broken: int = 0


async def rewrap(house: House, visit: Visit) -> int:
    """
    Job: seal anew what is under a previous master key; how many values. Erasures that go on are stamped anew first.
    Nothing to do without previous keys.

    A value that does not open stays and is told; the others go on.
    """
    if len(house.vault.ids) == 1:
        return 0
    await stamp_anew(house)
    tally = _Tally()
    for place, purpose in PURPOSES:
        await _place(house, place, purpose, tally)
    if tally.values:
        await house.store.write(lambda tx: _told(tx, visit, house.vault.current_id, tally))
    return tally.values


async def _place(house: House, place: Place, purpose: str, tally: _Tally) -> None:
    """Every value of one place, in the order of its rows."""
    after, current = "", house.vault.current_id
    while batch := await _batch(house, place, current, after):
        await _seal_anew(house, place, purpose, batch, tally)
        after = batch[-1].row


async def _batch(house: House, place: Place, current: bytes, after: str) -> list[Value]:
    """The next values; looked for aside, so that no sign-in waits for the search."""

    async def look(tx: Tx) -> list[Value]:
        return await seals.older(tx, place, current=current, after=after, most=BATCH)

    return await house.store.survey(look)


async def _seal_anew(house: House, place: Place, purpose: str, batch: list[Value], tally: _Tally) -> None:
    anew = [(value, sealed) for value in batch if (sealed := _anew(house, place, purpose, value)) is not None]

    async def body(tx: Tx) -> int:
        return sum([await seals.swap(tx, place, value, sealed) for value, sealed in anew])

    tally.values += await house.store.write(body)
    tally.broken += len(batch) - len(anew)


def _anew(house: House, place: Place, purpose: str, value: Value) -> bytes | None:
    """The value under the current master key; None when it does not open."""
    try:
        return house.vault.rewrap(purpose, place.table, value.row, place.field, value.sealed)
    except SealBroken:
        return None


async def _told(tx: Tx, visit: Visit, master: bytes, tally: _Tally) -> None:
    detail = {"values": tally.values, "broken": tally.broken, "master": master.hex()}
    await record(tx, visit, Entry(Kind.KEYS_REWRAPPED, target="keys:master", detail=detail))
    if tally.broken:
        text = "Sealed values do not open under any master key that is here, and could not be sealed anew."
        await alert(tx, visit, about="sealed_values", text=text, target="keys:master")
