"""
Where sealed values lie, and which master key each of them needs (R17).

One `Place` a column; a column that holds sealed values is named ``sealed``, and each such column stands in `PLACES`.
Opens nothing: of a sealed value it reads the id of its master key, which stands in front.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, bindparam, func, select, update

from ostiary.core.words.errors import BrokenState
from ostiary.store import Tx
from ostiary.store.schema import (
    authenticators,
    device_hooks,
    keys,
    log_sinks,
    notice_channels,
    signal_streams,
    upstream_grants,
)
from ostiary.store.sql import Sql, sql

__all__ = [
    "AUTHENTICATORS",
    "DEVICE_HOOKS",
    "LOG_SINKS",
    "NOTICE_CHANNELS",
    "PLACES",
    "SIGNAL_STREAMS",
    "SIGNING_KEYS",
    "UPSTREAM_GRANTS",
    "Place",
    "Value",
    "counts",
    "older",
    "swap",
]

_ID = (2, 8)  # where the id stands in a sealed value (`outside/vault.py`): from its second byte, eight bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed values; table, row and field are what each of them is bound to."""

    table: str
    field: str
    counts: Sql
    older: Sql
    swap: Sql


@dataclass(frozen=True, slots=True)
class Value:
    """One sealed value of a place."""

    row: str
    sealed: bytes


def _place(key: Column[Any], value: Column[Any]) -> Place:
    table = value.table
    master, held = func.substr(value, *_ID, type_=LargeBinary), value != b""
    older_ = (
        select(key, value)
        .where(key > bindparam("after"), held, master != bindparam("current", type_=LargeBinary))
        .order_by(key)
        .limit(bindparam("most"))
    )
    swap_ = (
        update(table)
        .where(key == bindparam("row"), value == bindparam("old", type_=LargeBinary))
        .values({value.name: bindparam("new")})
    )
    counted = select(master, func.count()).where(held).group_by(master)
    return Place(table.name, value.name, sql(counted), sql(older_), sql(swap_))


SIGNING_KEYS = _place(keys.c.kid, keys.c.sealed)
AUTHENTICATORS = _place(authenticators.c.id, authenticators.c.sealed)
DEVICE_HOOKS = _place(device_hooks.c.id, device_hooks.c.sealed)
UPSTREAM_GRANTS = _place(upstream_grants.c.id, upstream_grants.c.sealed)
NOTICE_CHANNELS = _place(notice_channels.c.id, notice_channels.c.sealed)
SIGNAL_STREAMS = _place(signal_streams.c.id, signal_streams.c.sealed)
LOG_SINKS = _place(log_sinks.c.id, log_sinks.c.sealed)
PLACES = (SIGNING_KEYS, AUTHENTICATORS, DEVICE_HOOKS, UPSTREAM_GRANTS, NOTICE_CHANNELS, SIGNAL_STREAMS, LOG_SINKS)


async def counts(tx: Tx) -> dict[bytes, int]:
    """How many values are sealed under each master key, by its id."""
    found: dict[bytes, int] = {}
    for place in PLACES:
        for master, count in await tx.all(place.counts):
            if master is None:
                raise BrokenState(f"a value of {place.table} is not sealed")
            found[bytes(master)] = found.get(bytes(master), 0) + count
    return found


async def older(tx: Tx, place: Place, *, current: bytes, after: str, most: int) -> list[Value]:
    """Up to *most* values of *place*, in the order of their rows from *after* on, that are not under *current*."""
    return [
        Value(row, bytes(sealed)) for row, sealed in await tx.all(place.older, current=current, after=after, most=most)
    ]


async def swap(tx: Tx, place: Place, value: Value, new: bytes) -> bool:
    """Put *new* in the place of *value*; False when it changed meanwhile (compare-and-swap)."""
    return await tx.run(place.swap, row=value.row, old=value.sealed, new=new) == 1
