"""
The signing keys: one row a key, the private half sealed (R17), everything else public.

Which key signs and which are shown follows from times in the row; no job switches anything.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, or_, select, update

from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import keys
from ostiary.store.sql import sql

__all__ = ["KeyRow", "add", "everything", "forget", "forget_private", "hide", "retire"]

PURPOSE = "signing"
TABLE = "keys"
"""Part of the place that a private key is sealed for, with the key's name and `FIELD`."""
FIELD = "sealed"

_ALL = sql(
    select(
        keys.c.kid,
        keys.c.algorithm,
        keys.c.sealed,
        keys.c.public,
        keys.c.created,
        keys.c.signs_from,
        keys.c.signs_until,
        keys.c.shown_until,
    )
    .where(keys.c.purpose == PURPOSE)
    .order_by(keys.c.signs_from, keys.c.kid)
)
_ADD = sql(
    insert(keys).values(
        {name: bindparam(name) for name in ("kid", "purpose", "algorithm", "sealed", "public", "created", "signs_from")}
    )
)
_RETIRE = sql(
    update(keys)
    .where(keys.c.kid == bindparam("kid_"), keys.c.signs_until.is_(None))
    .values(signs_until=bindparam("until"), shown_until=bindparam("shown"))
)
_HIDE = sql(
    update(keys)
    .where(keys.c.kid == bindparam("kid_"), or_(keys.c.shown_until.is_(None), keys.c.shown_until > bindparam("at")))
    .values(signs_until=bindparam("at"), shown_until=bindparam("at"), sealed=b"")
)
_FORGET_PRIVATE = sql(
    update(keys)
    .where(keys.c.purpose == PURPOSE, keys.c.signs_until <= bindparam("at"), keys.c.sealed != b"")
    .values(sealed=b"")
)
_FORGET = sql(delete(keys).where(keys.c.purpose == PURPOSE, keys.c.shown_until <= bindparam("at")))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as it is kept."""

    kid: str
    algorithm: str
    sealed: bytes
    """The private half; empty once it will never sign again."""
    public: str
    """JWK, JSON."""
    created: Instant
    signs_from: Instant
    signs_until: Instant | None = None
    """None: until another takes over."""
    shown_until: Instant | None = None
    """None: as long as it may sign."""


async def everything(tx: Tx) -> tuple[KeyRow, ...]:
    """Every signing key, in the order in which they sign."""
    return tuple(KeyRow(*row) for row in await tx.all(_ALL))


async def add(tx: Tx, row: KeyRow) -> None:
    """Keep a new key."""
    await tx.run(
        _ADD,
        kid=row.kid,
        purpose=PURPOSE,
        algorithm=row.algorithm,
        sealed=row.sealed,
        public=row.public,
        created=row.created,
        signs_from=row.signs_from,
    )


async def retire(tx: Tx, kid: str, *, until: Instant, shown: Instant) -> bool:
    """
    Let the key *kid* sign until *until* and be shown until *shown*; False when that was settled before
    (compare-and-swap).
    """
    return await tx.run(_RETIRE, kid_=kid, until=until, shown=shown) == 1


async def hide(tx: Tx, kid: str, *, at: Instant) -> bool:
    """End the key *kid* at once: nothing it signed counts from *at* on, and its private half is gone."""
    return await tx.run(_HIDE, kid_=kid, at=at) == 1


async def forget_private(tx: Tx, *, at: Instant) -> int:
    """Erase the private half of keys that stopped signing before *at*; how many."""
    return await tx.run(_FORGET_PRIVATE, at=at)


async def forget(tx: Tx, *, at: Instant) -> int:
    """Delete keys that nobody is shown any more at *at*; how many."""
    return await tx.run(_FORGET, at=at)
