"""
Applications prove themselves: the rule of `core/tokens/clients.py` with our origin, real signatures, and the memory of
which assertions were used.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.tokens.clients import Once, Proved, Shown
from ostiary.core.tokens.clients import authenticate as judge
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.client_keys import verifies
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.store import Tx, assertions

__all__ = ["authenticate", "spend", "sweep", "take"]

MOST = 1_000_000
"""Assertions that are remembered at once; beyond that no more are taken, so that none is forgotten too early."""

USED = Refused(Reason.CLIENT_AUTHENTICATION, "The assertion was used before.")
FULL = Refused(Reason.UNAVAILABLE)


def authenticate(house: House, picture: Picture, shown: Shown, now: Instant) -> Application | Refused:
    """The application behind what was *shown*, or why there is none. An assertion must be spent first."""
    found = _judged(house, picture, shown, now)
    return found.application if isinstance(found, Proved) else found


def _judged(house: House, picture: Picture, shown: Shown, now: Instant) -> Proved | Refused:
    return judge(picture, shown, now, origin=house.settings.origin, verify=verifies)


async def spend(house: House, visit: Visit, shown: Shown) -> Refused | None:
    """
    What every deed does first that an application calls: take the assertion, if there is one, so that it counts once
    whatever comes of the request. In a transaction of its own, and only for the application that signed it: strangers
    fill no memory.

    Refused: the reasons of `authenticate`, CLIENT_AUTHENTICATION for a used one.
    """
    if not shown.assertion:
        return None

    async def body(tx: Tx, picture: Picture) -> Refused | None:
        found = _judged(house, picture, shown, visit.now)
        if isinstance(found, Refused):
            return found
        return await take(tx, found.once, source_of(visit.address)) if found.once else None

    return await settled(house, body)


async def take(tx: Tx, once: Once, source: str) -> Refused | None:
    """Step: remember an assertion; USED when it came before, unless it may come again and does so from one place."""
    before = await assertions.source(tx, once.key)
    if before is not None:
        return None if once.again and before == source else USED
    if not await assertions.room(tx, MOST):
        return FULL
    await assertions.add(tx, once.key, source=source, ends=once.ends)
    return None


async def sweep(house: House, visit: Visit) -> int:
    """Job: forget assertions that count no more by themselves; how many there were."""

    async def body(tx: Tx) -> int:
        return await assertions.sweep(tx, visit.now)

    return await house.store.write(body)
