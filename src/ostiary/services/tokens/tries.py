"""
Which counters a wrong password or one-time code of a sign-in moves, and which of them close it.

A browser in which that person signed in before (it holds our long-lived mark) has a counter of its own and is free of
all others: whatever strangers do from wherever they are, they cannot lock somebody out of it. Subjects hold digests,
never names: people type passwords into the name field.
"""

from dataclasses import dataclass

from ostiary.core.directory.credentials import (
    FACTOR_ACCOUNT,
    PASSWORD_ACCOUNT,
    PASSWORD_PAIR,
    PASSWORD_SOURCE,
    Growth,
    source_of,
)
from ostiary.core.directory.people import User
from ostiary.core.words.digests import digest, keyed, same
from ostiary.core.words.instants import Instant, between, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import Vault
from ostiary.services.directory import throttle
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx

MARK = "known-browser"  # purpose of the key
LONGEST_MARK = 200  # characters of the cookie


@dataclass(frozen=True, slots=True)
class Tries:
    """The counters of one try: the pair always; source and account only for a browser that is not known."""

    pair: str
    source: str
    account: str
    growth: Growth
    target: str


def for_password(vault: Vault, visit: Visit, name: str, user: User | None, known: str) -> Tries:
    """The counters of a password tried for *name*."""
    target = f"user:{user.id}" if user else ""
    return _tries(vault, visit, f"password:{digest(name).hex()[:32]}", PASSWORD_ACCOUNT, user, known, target)


def for_factor(vault: Vault, visit: Visit, user: User, known: str) -> Tries:
    """The counters of a second factor tried for *user*."""
    return _tries(vault, visit, f"factor:{user.id}", FACTOR_ACCOUNT, user, known, f"user:{user.id}")


def _tries(
    vault: Vault, visit: Visit, subject: str, growth: Growth, user: User | None, known: str, target: str
) -> Tries:
    nonce = known_nonce(vault, user, known)
    if nonce:
        return Tries(f"{subject}:browser:{digest(nonce).hex()[:32]}", "", "", growth, target)
    source = source_of(visit.address)
    return Tries(f"{subject}:{source}", f"source:{source}", subject, growth, target)


async def locked(tx: Tx, counting: Tries, now: Instant) -> Refused | None:
    """Step: SIGN_IN_LOCKED while any of the counters is closed."""
    subjects = [subject for subject in (counting.pair, counting.source, counting.account) if subject]
    ends = [until for subject in subjects if (until := await throttle.locked(tx, subject, now)) is not None]
    if not ends:
        return None
    return Refused(Reason.SIGN_IN_LOCKED, f"Too many wrong tries. Try again in {_wait(now, max(ends))}.")


async def count(tx: Tx, visit: Visit, counting: Tries) -> Instant | None:
    """Step: one more wrong try; until when this pair is closed by it. The try that closes raises the alert."""
    rule = PASSWORD_PAIR
    pair = await throttle.strike(tx, counting.pair, now=visit.now, window=rule.window, limit=rule.limit, lock=rule.lock)
    if counting.source:
        await _count_source(tx, visit, counting.source)
        wide = await throttle.slow(tx, counting.account, now=visit.now, growth=counting.growth)
        if wide.count == counting.growth.free + 1:
            text = "Many wrong tries to sign in to one account, from more than one place or over a long time."
            await alert(tx, visit, about="guessing", text=text, target=counting.target)
    return pair.locked_until


async def _count_source(tx: Tx, visit: Visit, subject: str) -> None:
    rule = PASSWORD_SOURCE
    source = await throttle.strike(tx, subject, now=visit.now, window=rule.window, limit=rule.limit, lock=rule.lock)
    if source.locked_until is not None:
        text = "One address tried many wrong passwords, over several accounts."
        await alert(tx, visit, about="guessing_source", text=text, target=subject)


async def forget(tx: Tx, counting: Tries) -> None:
    """Step: after a right try the pair begins anew; source and account go on, or one's own account would reset them."""
    await throttle.clear(tx, counting.pair)


def mark(vault: Vault, user: User, known: str, fresh: str) -> str:
    """
    The value of the known-browser cookie: person, random text, and an HMAC that binds them.

    The random text of *known* is kept when that is an earlier value of the same person, else it is *fresh*.
    """
    nonce = known_nonce(vault, user, known) or fresh
    return f"{user.id}.{nonce}.{keyed(vault.derived(MARK), user.id, nonce).hex()}"


def known_nonce(vault: Vault, user: User | None, value: str) -> str | None:
    """The random text of a cookie that we made for *user*, or None."""
    parts = value.split(".") if len(value) <= LONGEST_MARK else []
    if user is None or len(parts) != 3 or parts[0] != user.id:
        return None
    right = [same(keyed(key, parts[0], parts[1]).hex(), parts[2]) for key in vault.derived_each(MARK)]
    return parts[1] if sum(right) else None


def _wait(now: Instant, until: Instant) -> str:
    """A wait in words, rounded up."""
    left = to_seconds(between(now, until)) + 1
    return f"{left} seconds" if left < 60 else f"{-(-left // 60)} minutes"
