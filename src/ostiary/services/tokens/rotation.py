"""
Making and retiring signing keys while serving.

Owns the overlap: a new key is published at once, signs after it has been shown for a while, and the old one stays
published until the longest token it signed has ended. All of it is times in rows, so a kill at any point leaves a
whole rotation or none. What a process holds of the keys is the `keyring`'s.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.key import ShownKey
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.claims import LONGEST_TOKEN
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.outside.signing_keys import Algorithm, SigningKey, make
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.services.tokens.keyring import key_row
from ostiary.store import Tx, keys
from ostiary.store.keys import KeyRow

__all__ = ["Rotated", "ensure_keys", "held_keys", "rotate", "tend_keys"]

SKEW = minutes(5)  # verifiers' clocks; beyond the longest token


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new keys, and when they take over."""

    keys: tuple[KeyRow, ...]
    signs_from: Instant


def held_keys(house: House, now: Instant) -> tuple[ShownKey, ...]:
    """What this process signs and verifies with, as it stands at *now*."""
    return tuple(
        ShownKey(k.kid, k.algorithm, k.created, k.signs_from, k.signs_until, k.shown_until, now)
        for k in house.keyring.held()
    )


async def ensure_keys(house: House, visit: Visit) -> bool:
    """Make the first key of each algorithm that has none, and take the ring; whether any was made."""
    have = {row.algorithm for row in await house.store.read(keys.everything)}
    made = await _make(algorithm for algorithm in Algorithm if algorithm.value not in have)
    rows = _rows(house, made, visit.now, visit.now)

    async def body(tx: Tx) -> bool:
        known = {row.algorithm for row in await keys.everything(tx)}
        missing = tuple(row for row in rows if row.algorithm not in known)
        if missing:
            await _add(tx, visit, missing, reason="first start", at_once=False)
        return bool(missing)

    added = await house.store.write(body)
    await house.keyring.load(house.store)
    return added


async def rotate(house: House, visit: Visit, reason: str, *, at_once: bool = False) -> Rotated | Refused:
    """
    Publish a new key of each algorithm; it signs when it has been shown for `Settings.key_notice`.

    *at_once* is for a key that may be known to others: the new key signs now, the old ones are gone with everything
    they signed. Refused: the caller may not (R2, R3), REASON_REQUIRED, CONFLICT while a rotation is under way.
    """
    why = judge(Action.ROTATE_KEYS, visit.caller, now=visit.now) or read_reason(reason)
    refused = why if isinstance(why, Refused) else None
    signs_from = visit.now if at_once else after(visit.now, house.settings.key_notice)
    rows = () if refused else _rows(house, await _make(Algorithm), visit.now, signs_from)

    async def body(tx: Tx) -> Rotated | Refused:
        old = await keys.everything(tx)
        under_way = any(row.signs_from > visit.now for row in old) and not at_once
        conflict = Refused(Reason.CONFLICT, "A rotation is under way: the new keys do not sign yet.")
        found = refused or (conflict if under_way else None)
        if found is not None:
            return await refuse(tx, visit, Action.ROTATE_KEYS, found, target="keys:signing")
        await _retire(tx, old, now=visit.now, signs_from=signs_from, at_once=at_once)
        await _add(tx, visit, rows, reason=str(why), at_once=at_once)
        return Rotated(rows, signs_from)

    answer = await house.store.write(body)
    await house.keyring.load(house.store)
    return answer


async def tend_keys(house: House, visit: Visit) -> int:
    """
    Job: erase the private half of keys that sign no more, delete keys that nobody needs, and take the ring anew (which
    brings what another process made). How many rows changed. Nothing depends on when it runs.
    """

    async def body(tx: Tx) -> int:
        return await keys.forget_private(tx, at=visit.now) + await keys.forget(tx, at=visit.now)

    changed = await house.store.write(body)
    await house.keyring.load(house.store)
    return changed


async def _make(algorithms: Iterable[Algorithm]) -> tuple[SigningKey, ...]:
    """New keys, made in a thread: an RSA key takes up to a second."""
    return tuple([await asyncio.to_thread(make, algorithm) for algorithm in algorithms])


def _rows(house: House, made: tuple[SigningKey, ...], now: Instant, signs_from: Instant) -> tuple[KeyRow, ...]:
    return tuple(key_row(house.vault, key, created=now, signs_from=signs_from) for key in made)


async def _retire(tx: Tx, old: tuple[KeyRow, ...], *, now: Instant, signs_from: Instant, at_once: bool) -> None:
    """Step: end every key that has no end yet; *at_once* ends all of them now, also those that wait for their turn."""
    for row in old:
        if at_once:
            await keys.hide(tx, row.kid, at=now)
        elif row.signs_until is None:
            shown = after(after(signs_from, LONGEST_TOKEN), SKEW)
            await keys.retire(tx, row.kid, until=signs_from, shown=shown)


async def _add(tx: Tx, visit: Visit, rows: tuple[KeyRow, ...], *, reason: str, at_once: bool) -> None:
    """Step: keep the new keys and write it down."""
    for row in rows:
        await keys.add(tx, row)
    detail = {
        "reason": tame(reason),
        "keys": [row.kid for row in rows],
        "signs_from": rows[0].signs_from if rows else visit.now,
        "at_once": at_once,
    }
    await record(tx, visit, Entry(Kind.KEYS_ROTATED, target="keys:signing", detail=detail))
