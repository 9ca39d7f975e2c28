"""
Giving events to who polls (RFC 8936): acknowledged ones are gone first, in the same transaction. At once, or when there
are some, within bounds of time and number (`poll_room.py`).

What is not acknowledged is given again, with the same `jti`. Events are signed when they are given.
"""

import asyncio
from dataclasses import dataclass, replace

from ostiary.core.access.picture import Picture
from ostiary.core.signals.delivery import Poll
from ostiary.core.signals.streams import Method
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.signals.push import rejected, sign
from ostiary.services.signals.receivers import MANAGE, NO_STREAM, Receiver, note_refused, own_stream, receiver
from ostiary.store import Tx, signals
from ostiary.store.signals import Waiting

__all__ = ["Polled", "poll"]

WAITS = 20.0
"""Seconds that a poll waits for events."""


@dataclass(frozen=True, slots=True)
class Polled:
    """One answer."""

    sets: dict[str, str]
    """Signed tokens by their `jti`, the oldest first."""
    more: bool


async def poll(house: House, visit: Visit, who: Receiver, id: str, asked: Poll) -> Polled | Refused:
    """
    Take the acknowledgements and give the next events of the application's stream *id*, waiting for some where *asked*
    lets it. NOT_FOUND, also for one to which events are pushed; CLIENT_AUTHENTICATION and its kin.
    """
    found = await _look(house, visit, who, id, asked)
    if isinstance(found, Refused) or found.sets or asked.at_once or not asked.most:
        return found
    again = replace(asked, acknowledged=(), errors={})
    with house.polls.seat(id) as seat:
        if seat is None:
            return found
        timer = asyncio.get_running_loop().call_later(WAITS, seat.end)
        try:
            while not (isinstance(found, Refused) or found.sets or seat.over or house.polls.closing):
                await seat.wait()
                seat.ready()
                found = await _look(house, replace(visit, now=house.clock.now()), who, id, again)
        finally:
            timer.cancel()
    return found


async def _look(house: House, visit: Visit, who: Receiver, id: str, asked: Poll) -> Polled | Refused:
    """What there is now, for an application that proves itself now."""
    changes = bool(asked.acknowledged or asked.errors)

    async def body(tx: Tx, picture: Picture) -> tuple[list[Waiting], bool] | Refused:
        own = await receiver(house, tx, picture, visit, who, MANAGE)
        if isinstance(own, Refused):
            return own
        stream = await own_stream(tx, own, id)
        if isinstance(stream, Refused) or stream.method is not Method.POLL:
            return NO_STREAM
        if asked.acknowledged:
            await signals.done(tx, stream.id, asked.acknowledged)
        theirs = replace(visit, caller=Caller(CallerKind.APPLICATION, own.id, own.name))
        for jti in await signals.done(tx, stream.id, tuple(asked.errors)):
            await rejected(tx, theirs, stream, jti, *asked.errors[jti])
        found = await signals.waiting(tx, stream.id, asked.most + 1)
        return found[: asked.most], len(found) > asked.most

    answer = await settled(house, body, write=changes)
    if isinstance(answer, Refused):
        return await note_refused(house, visit, who, answer)
    events, more = answer
    if not events:
        return Polled({}, more)
    async with house.polls.turn(id):
        return Polled(await sign(house, events), more)
