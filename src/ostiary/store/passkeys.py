"""
Passkeys by their credential and by their person, and the challenges that were answered.
"""

from sqlalchemy import bindparam, delete, func, insert, null, select, update

from ostiary.core.directory.passkeys import Passkey
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import challenges, passkeys
from ostiary.store.sql import sql

_NAMES = (
    "id", "user", "credential", "public_key", "sign_count", "transports", "backup_eligible", "backed_up", "aaguid",
    "name", "created", "used", "attested", "device", "certificate",
)  # fmt: skip
_SELECT = select(*(passkeys.c[name] for name in _NAMES))
_FIND = sql(_SELECT.where(passkeys.c.credential == bindparam("credential")))
_BY_ID = sql(_SELECT.where(passkeys.c.id == bindparam("id_")))
_OF_USER = sql(_SELECT.where(passkeys.c.user == bindparam("user_")).order_by(passkeys.c.created, passkeys.c.id))
_COUNT = sql(select(func.count()).select_from(passkeys).where(passkeys.c.user == bindparam("user_")))
_ADD = sql(insert(passkeys).values({name: bindparam("owner" if name == "user" else name) for name in _NAMES}))
_USE = sql(
    update(passkeys)
    .where(passkeys.c.id == bindparam("id_"), passkeys.c.sign_count == bindparam("count_"))
    .values(sign_count=bindparam("sign_count"), backed_up=bindparam("backed_up"), used=bindparam("used"))
)
_PART = sql(update(passkeys).where(passkeys.c.id == bindparam("id_")).values(device=null(), certificate=null()))
_REMOVE = sql(delete(passkeys).where(passkeys.c.id == bindparam("id_"), passkeys.c.user == bindparam("user_")))
_DROP = sql(delete(passkeys).where(passkeys.c.user == bindparam("user_")))
_SPENT = sql(select(challenges.c.ends).where(challenges.c.digest == bindparam("digest")))
_SPEND = sql(insert(challenges).values({name: bindparam(name) for name in ("digest", "ends")}))
_SWEEP = sql(delete(challenges).where(challenges.c.ends <= bindparam("now")))


def _passkey(row: Row) -> Passkey:
    id, user, credential, key, count, transports, eligible, backed, aaguid, name, created, used, attested, *on = row
    device, certificate = on
    return Passkey(
        id, UserId(user), bytes(credential), bytes(key), count, tuple(transports.split()), bool(eligible), bool(backed),
        aaguid, name, Instant(created), None if used is None else Instant(used), bool(attested), device,
        certificate,
    )  # fmt: skip


async def find(tx: Tx, credential: bytes) -> Passkey | None:
    """The passkey with the authenticator's id *credential*."""
    row = await tx.one(_FIND, credential=credential)
    return None if row is None else _passkey(row)


async def by_id(tx: Tx, id: str) -> Passkey | None:
    """The passkey *id*."""
    row = await tx.one(_BY_ID, id_=id)
    return None if row is None else _passkey(row)


async def of_user(tx: Tx, user: UserId) -> tuple[Passkey, ...]:
    """Those of *user*, oldest first."""
    return tuple(_passkey(row) for row in await tx.all(_OF_USER, user_=user))


async def count(tx: Tx, user: UserId) -> int:
    """How many *user* has."""
    row = await tx.one(_COUNT, user_=user)
    return int(row[0]) if row else 0


async def add(tx: Tx, new: Passkey) -> None:
    """Keep a new one. The caller has made sure that nobody has its credential."""
    await tx.run(
        _ADD, id=new.id, owner=new.user, credential=new.credential, public_key=new.public_key,
        sign_count=new.sign_count, transports=" ".join(new.transports), backup_eligible=int(new.backup_eligible),
        backed_up=int(new.backed_up), aaguid=new.aaguid, name=new.name, created=new.created, used=new.used,
        attested=int(new.attested), device=new.device, certificate=new.certificate,
    )  # fmt: skip


async def use(tx: Tx, old: Passkey, *, sign_count: int, backed_up: bool, now: Instant) -> bool:
    """Compare-and-swap on the counter: False when *old* was used or removed meanwhile."""
    changed = await tx.run(
        _USE, id_=old.id, count_=old.sign_count, sign_count=sign_count, backed_up=int(backed_up), used=now
    )
    return changed == 1


async def part(tx: Tx, id: str) -> None:
    """The passkey *id* stands for no machine any more."""
    await tx.run(_PART, id_=id)


async def remove(tx: Tx, id: str, user: UserId) -> bool:
    """Remove one of *user*'s; False when it is not theirs."""
    return await tx.run(_REMOVE, id_=id, user_=user) == 1


async def drop(tx: Tx, user: UserId) -> int:
    """Remove all of *user*'s; how many there were."""
    return await tx.run(_DROP, user_=user)


# ---- challenges


async def spend(tx: Tx, digest: bytes, *, ends: Instant) -> bool:
    """Remember that the challenge of *digest* was answered; False when it was before."""
    if await tx.one(_SPENT, digest=digest) is not None:
        return False
    await tx.run(_SPEND, digest=digest, ends=ends)
    return True


async def sweep(tx: Tx, now: Instant) -> int:
    """Forget challenges that count no more by themselves; how many there were."""
    return await tx.run(_SWEEP, now=now)
