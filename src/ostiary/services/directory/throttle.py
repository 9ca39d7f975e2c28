"""
Counting wrong tries: steps for whoever must not be guessed at (passwords, one-time codes, user codes: R10).

A subject is a short text such as ``code:<user>`` or ``password:<name>:<source>``; the rules are in
`core/directory/credentials.py`. Everything here happens in the caller's transaction, so a counted try is as durable
as the refusal that it belongs to.
"""

from ostiary.core.directory.credentials import Counter, Growth, Rule, Strike, closed, slowed, struck
from ostiary.core.words.instants import Instant, Span, after, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx
from ostiary.store import throttles as rows

__all__ = ["Strike", "clear", "locked", "slow", "strike", "sweep"]

KEPT = days(2)  # longer than any window


async def strike(tx: Tx, subject: str, rule: Rule, *, now: Instant) -> Strike:
    """
    Step: count one wrong try of *subject*, which may lock it, as *rule* says.

    Callers that could look or not ask `locked` first and do not count what they do not look at: so a lock does not
    lengthen itself. What happens all the same (a sign-in that is turned down) is counted, and lengthens it.
    """
    old = await rows.find(tx, subject)
    new = struck(old, now, rule)
    await rows.put(tx, subject, old, new)
    return Strike(new.count, new.until if new.count >= rule.limit else None)


async def slow(tx: Tx, subject: str, *, now: Instant, growth: Growth) -> Counter:
    """Step: count one wrong try of *subject* that only ever slows, as *growth* says."""
    old = await rows.find(tx, subject)
    new = slowed(old, now, growth)
    await rows.put(tx, subject, old, new)
    return new


async def locked(tx: Tx, subject: str, now: Instant) -> Instant | None:
    """Step: until when tries of *subject* are not looked at, or None."""
    return closed(await rows.find(tx, subject), now)


async def clear(tx: Tx, subject: str) -> None:
    """Step: forget the wrong tries of *subject*, after a right one."""
    await rows.remove(tx, subject)


async def sweep(house: House, visit: Visit) -> int:
    """Job: forget counters whose window is long over and that close nothing; how many there were. Leaves no entry."""
    before = after(visit.now, Span(-KEPT))

    async def body(tx: Tx) -> int:
        return await rows.sweep(tx, before=before, now=visit.now)

    return await house.store.write(body)
