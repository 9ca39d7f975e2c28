"""
What proves people: passwords, authenticators, one-time links and codes.

Digests and sealed values only (R17); every use of something that counts once is a compare-and-swap.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select, update

from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import authenticators, invitations, passwords, recovery_codes
from ostiary.store.sql import sql

_PASSWORD = sql(select(passwords.c.encoded).where(passwords.c.user == bindparam("user_")))
_ADD_PASSWORD = sql(
    insert(passwords).values(
        {"user": bindparam("owner"), "encoded": bindparam("encoded"), "changed": bindparam("changed")}
    )
)
_DROP_PASSWORD = sql(delete(passwords).where(passwords.c.user == bindparam("user_")))
_REHASH = sql(
    update(passwords)
    .where(passwords.c.user == bindparam("user_"), passwords.c.encoded == bindparam("encoded_"))
    .values(encoded=bindparam("encoded"))
)

_AUTHENTICATORS = sql(
    select(authenticators.c.id, authenticators.c.sealed, authenticators.c.last_step)
    .where(authenticators.c.user == bindparam("user_"), authenticators.c.kind == "totp")
    .where(authenticators.c.confirmed.is_not(None))
    .order_by(authenticators.c.created, authenticators.c.id)
)
_ADD_AUTHENTICATOR = sql(
    insert(authenticators).values(
        {
            "id": bindparam("id"),
            "user": bindparam("owner"),
            "kind": bindparam("kind"),
            "sealed": bindparam("sealed"),
            "last_step": bindparam("last_step"),
            "confirmed": bindparam("confirmed"),
            "created": bindparam("created"),
        }
    )
)
_USE_STEP = sql(
    update(authenticators)
    .where(authenticators.c.id == bindparam("id_"), authenticators.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_DROP_AUTHENTICATORS = sql(delete(authenticators).where(authenticators.c.user == bindparam("user_")))

_RECOVERY = "recovery"  # kind of the authenticator that stands for a set of codes
_SET = sql(
    select(authenticators.c.id, authenticators.c.sealed, authenticators.c.last_step).where(
        authenticators.c.user == bindparam("user_"), authenticators.c.kind == _RECOVERY
    )
)
_DROP_SET = sql(
    delete(authenticators).where(authenticators.c.user == bindparam("user_"), authenticators.c.kind == _RECOVERY)
)
_ADD_CODE = sql(insert(recovery_codes).values({name: bindparam(name) for name in ("digest", "authenticator")}))
_CODES_LEFT = sql(
    select(func.count())
    .select_from(recovery_codes.join(authenticators, authenticators.c.id == recovery_codes.c.authenticator))
    .where(authenticators.c.user == bindparam("user_"), recovery_codes.c.used.is_(None))
)
_USE_CODE = sql(
    update(recovery_codes)
    .where(
        recovery_codes.c.digest == bindparam("digest_"),
        recovery_codes.c.authenticator == bindparam("authenticator_"),
        recovery_codes.c.used.is_(None),
    )
    .values(used=bindparam("used"))
)

_INVITE = sql(
    insert(invitations).values(
        {
            "digest": bindparam("digest"),
            "purpose": bindparam("purpose"),
            "user": bindparam("person"),
            "created": bindparam("created"),
            "ends": bindparam("ends"),
        }
    )
)
_INVITATION = sql(
    select(
        invitations.c.digest, invitations.c.user, invitations.c.ends, invitations.c.tries, invitations.c.spent
    ).where(invitations.c.digest == bindparam("digest"), invitations.c.purpose == bindparam("purpose"))
)
_OPEN_INVITATIONS = sql(
    select(
        invitations.c.digest, invitations.c.user, invitations.c.ends, invitations.c.tries, invitations.c.spent
    ).where(
        invitations.c.purpose == bindparam("purpose"),
        invitations.c.spent.is_(None),
        invitations.c.ends > bindparam("now"),
        invitations.c.tries < bindparam("tries"),
    )
)
_COUNT_OPEN = sql(
    select(func.count()).where(
        invitations.c.user == bindparam("user_"),
        invitations.c.purpose.startswith(bindparam("prefix"), autoescape=False),
        invitations.c.spent.is_(None),
        invitations.c.ends > bindparam("now"),
    )
)
_SPEND = sql(
    update(invitations)
    .where(
        invitations.c.digest == bindparam("digest_"),
        invitations.c.spent.is_(None),
        invitations.c.ends > bindparam("now"),
    )
    .values(spent=bindparam("now"))
)
_TRY = sql(
    update(invitations)
    .where(invitations.c.purpose == bindparam("purpose_"), invitations.c.spent.is_(None))
    .values(tries=invitations.c.tries + 1)
)
_VOID = sql(
    update(invitations)
    .where(
        invitations.c.purpose == bindparam("purpose_"),
        invitations.c.user.is_not_distinct_from(bindparam("user_")),
        invitations.c.spent.is_(None),
    )
    .values(spent=bindparam("now"))
)
_FORGET_INVITATIONS = sql(delete(invitations).where(invitations.c.ends < bindparam("before")))


@dataclass(frozen=True, slots=True)
class Authenticator:
    """One confirmed TOTP authenticator; *last_step* is the time step that was accepted last."""

    id: str
    sealed: bytes
    last_step: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time code or link, known by its digest."""

    digest: bytes
    user: UserId | None
    ends: Instant
    tries: int
    spent: Instant | None


# ---- passwords


async def password(tx: Tx, user: UserId) -> str | None:
    """The argon2id hash of *user*, or None when there is no password."""
    row = await tx.one(_PASSWORD, user_=user)
    return None if row is None else str(row[0])


async def set_password(tx: Tx, user: UserId, encoded: str, now: Instant) -> None:
    """Put *encoded* in the place of whatever was there."""
    await tx.run(_DROP_PASSWORD, user_=user)
    await tx.run(_ADD_PASSWORD, owner=user, encoded=encoded, changed=now)


async def drop_password(tx: Tx, user: UserId) -> None:
    """Nobody can sign in as *user* with a password any more."""
    await tx.run(_DROP_PASSWORD, user_=user)


async def rehash(tx: Tx, user: UserId, old: str, new: str) -> bool:
    """The same password at another cost; False when it was changed meanwhile."""
    return await tx.run(_REHASH, user_=user, encoded_=old, encoded=new) == 1


# ---- authenticators


async def authenticators_of(tx: Tx, user: UserId) -> list[Authenticator]:
    """The confirmed TOTP authenticators of *user*, oldest first."""
    return [Authenticator(*row) for row in await tx.all(_AUTHENTICATORS, user_=user)]


async def add_authenticator(tx: Tx, id: str, user: UserId, sealed: bytes, *, step: int, now: Instant) -> None:
    """Add a TOTP authenticator that was confirmed by the code of *step*."""
    await tx.run(
        _ADD_AUTHENTICATOR, id=id, owner=user, kind="totp", sealed=sealed, last_step=step, confirmed=now, created=now
    )  # fmt: skip


async def use_step(tx: Tx, id: str, step: int) -> bool:
    """Compare-and-swap: False when *step* or a later one was accepted before (RFC 6238 §5.2)."""
    return await tx.run(_USE_STEP, id_=id, step=step) == 1


async def drop_authenticators(tx: Tx, user: UserId) -> int:
    """Remove every authenticator of *user*; how many there were."""
    return await tx.run(_DROP_AUTHENTICATORS, user_=user)


# ---- recovery codes


async def recovery_set(tx: Tx, user: UserId) -> Authenticator | None:
    """The sealed key of *user*'s recovery codes."""
    row = await tx.one(_SET, user_=user)
    return None if row is None else Authenticator(*row)


async def put_recovery_set(
    tx: Tx, id: str, user: UserId, sealed: bytes, digests: tuple[bytes, ...], now: Instant
) -> None:
    """A new set in the place of whatever was there."""
    await tx.run(_DROP_SET, user_=user)
    await tx.run(
        _ADD_AUTHENTICATOR, id=id, owner=user, kind=_RECOVERY, sealed=sealed, last_step=0, confirmed=now, created=now
    )  # fmt: skip
    for each in digests:
        await tx.run(_ADD_CODE, digest=each, authenticator=id)


async def codes_left(tx: Tx, user: UserId) -> int:
    """How many recovery codes of *user* are unused."""
    row = await tx.one(_CODES_LEFT, user_=user)
    return int(row[0]) if row else 0


async def use_code(tx: Tx, set: str, digest: bytes, now: Instant) -> bool:
    """Compare-and-swap: True for exactly one use of a code of *set*."""
    return await tx.run(_USE_CODE, digest_=digest, authenticator_=set, used=now) == 1


# ---- invitations


def _invitation(row: Row) -> Invitation:
    digest, user, ends, tries, spent = row
    return Invitation(bytes(digest), user, Instant(ends), tries, None if spent is None else Instant(spent))


async def invite(tx: Tx, *, digest: bytes, purpose: str, user: UserId | None, created: Instant, ends: Instant) -> None:
    """Keep the digest of a new one-time code."""
    await tx.run(_INVITE, digest=digest, purpose=purpose, person=user, created=created, ends=ends)


async def invitation(tx: Tx, digest: bytes, purpose: str) -> Invitation | None:
    """The invitation of *digest*, spent ones included."""
    row = await tx.one(_INVITATION, digest=digest, purpose=purpose)
    return None if row is None else _invitation(row)


async def open_invitations(tx: Tx, purpose: str, *, now: Instant, tries: int) -> list[Invitation]:
    """Those of *purpose* that are unspent, not over, and were tried fewer than *tries* times."""
    return [_invitation(row) for row in await tx.all(_OPEN_INVITATIONS, purpose=purpose, now=now, tries=tries)]


async def count_open(tx: Tx, prefix: str, user: UserId, *, now: Instant) -> int:
    """How many of *user* whose purpose begins with *prefix* are unspent and not over."""
    row = await tx.one(_COUNT_OPEN, prefix=prefix, user_=user, now=now)
    return 0 if row is None else int(row[0])


async def spend(tx: Tx, digest: bytes, now: Instant) -> bool:
    """Compare-and-swap: True for exactly one caller, and only before its end."""
    return await tx.run(_SPEND, digest_=digest, now=now) == 1


async def count_try(tx: Tx, purpose: str) -> None:
    """Count a wrong try against every open code of *purpose*: nobody knows which one was meant."""
    await tx.run(_TRY, purpose_=purpose)


async def forget_invitations(tx: Tx, *, before: Instant) -> int:
    """Delete links and codes that ran out before *before*, spent or not; how many."""
    return await tx.run(_FORGET_INVITATIONS, before=before)


async def void(tx: Tx, purpose: str, user: UserId | None, now: Instant) -> None:
    """Earlier unspent ones of the same purpose and person count no more."""
    await tx.run(_VOID, purpose_=purpose, user_=user, now=now)
