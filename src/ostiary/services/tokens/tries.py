"""
Which counters a wrong password or one-time code of a sign-in moves, and how long they make the next one wait.

Counters only slow (decision 0011). A browser in which that person signed in before (it holds our long-lived mark) has
one of its own and is free of all others: whatever strangers do from wherever they are, they cannot hold it up. Subjects
hold digests, never names: people type passwords into the name field.

INVARIANT: whoever looks at something that can be guessed asks `locked` in the transaction that answers, however often
it was asked before. Of many tries that come at once, those behind the first wrong one learn nothing.
"""

from dataclasses import dataclass

from ostiary.core.directory.credentials import (
    FACTOR_ACCOUNT,
    FACTOR_PAIR,
    PASSWORD_ACCOUNT,
    PASSWORD_PAIR,
    PASSWORD_SOURCE,
    Growth,
    closed,
    source_of,
)
from ostiary.core.directory.people import User
from ostiary.core.words.digests import digest, keyed, same
from ostiary.core.words.instants import Instant, between, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import Said, counted, said
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import Vault
from ostiary.services.directory import throttle
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx

MARK = "known-browser"  # purpose of the key
LONGEST_MARK = 200  # characters of the cookie


@dataclass(frozen=True, slots=True)
class Paces:
    """How wrong tries slow: those of one account from one place, and those of the account from everywhere."""

    pair: Growth
    account: Growth


PASSWORD = Paces(PASSWORD_PAIR, PASSWORD_ACCOUNT)
FACTOR = Paces(FACTOR_PAIR, FACTOR_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Tries:
    """The counters of one try: the pair always; source and account only for a browser that is not known."""

    pair: str
    source: str
    account: str
    paces: Paces
    target: str


def for_password(vault: Vault, visit: Visit, name: str, user: User | None, known: str) -> Tries:
    """The counters of a password tried for *name*."""
    target = f"user:{user.id}" if user else ""
    return _tries(vault, visit, f"password:{digest(name).hex()[:32]}", PASSWORD, user, known, target)


def for_factor(vault: Vault, visit: Visit, user: User, known: str) -> Tries:
    """The counters of a second factor tried for *user*."""
    return _tries(vault, visit, f"factor:{user.id}", FACTOR, user, known, f"user:{user.id}")


def _tries(vault: Vault, visit: Visit, subject: str, paces: Paces, user: User | None, known: str, target: str) -> Tries:
    nonce = known_nonce(vault, user, known)
    if nonce:
        return Tries(f"{subject}:browser:{digest(nonce).hex()[:32]}", "", "", paces, target)
    source = source_of(visit.address)
    return Tries(f"{subject}:{source}", f"source:{source}", subject, paces, target)


async def locked(tx: Tx, counting: Tries, now: Instant) -> Refused | None:
    """Step: SIGN_IN_LOCKED, with the wait, while any of the counters is closed."""
    subjects = [subject for subject in (counting.pair, counting.source, counting.account) if subject]
    ends = [until for subject in subjects if (until := await throttle.locked(tx, subject, now)) is not None]
    if not ends:
        return None
    left = -(-between(now, max(ends)) // seconds(1))  # rounded up: who waits as told is looked at
    text = said("Too many wrong tries. Try again in %(time)s; a passkey need not wait.", time=_words(left))
    return Refused(Reason.SIGN_IN_LOCKED, text, wait=seconds(left))


async def count(tx: Tx, visit: Visit, counting: Tries) -> bool:
    """Step: one more wrong try; whether the next of this pair has to wait. The first that slows others alerts."""
    pair = await throttle.slow(tx, counting.pair, now=visit.now, growth=counting.paces.pair)
    if counting.source:
        source = await throttle.slow(tx, counting.source, now=visit.now, growth=PASSWORD_SOURCE)
        if source.count == PASSWORD_SOURCE.free + 1:
            text = "One address tried many wrong passwords, over several accounts."
            await alert(tx, visit, about="guessing_source", text=text, target=counting.source)
        wide = await throttle.slow(tx, counting.account, now=visit.now, growth=counting.paces.account)
        if wide.count == counting.paces.account.free + 1:
            text = "Many wrong tries to sign in to one account, from more than one place or over a long time."
            await alert(tx, visit, about="guessing", text=text, target=counting.target)
    return closed(pair, visit.now) is not None


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


def _words(left: int) -> Said:
    """*left* seconds in words."""
    if left >= 120:
        return counted("%(count)s minute", "%(count)s minutes", -(-left // 60))
    return counted("%(count)s second", "%(count)s seconds", left)
