"""
Events on their way to a stream, as steps: put there with what caused them, and never more than a stream may hold.
"""

import orjson

from ostiary.core.signals.delivery import MOST_HELD
from ostiary.core.signals.events import Event, claims, stream_updated
from ostiary.core.signals.streams import Status, Stream
from ostiary.core.tokens.claims import issuer
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx, signals

__all__ = ["issuer_of", "pause", "put"]


def issuer_of(house: House) -> str:
    """Who all events are from."""
    return issuer(house.settings.origin, house.desk.picture.organisation)


async def put(house: House, tx: Tx, visit: Visit, stream: Stream, event: Event, *, held: int) -> bool:
    """
    Step: *event* waits on *stream*, on which *held* others do; False where it does not: a disabled stream holds
    nothing, and one that is full is paused, with an alert.
    """
    if stream.status is Status.DISABLED:
        return False
    if held >= MOST_HELD:
        await signals.count_dropped(tx, stream.id, 1)
        await pause(house, tx, visit, stream, f"more than {MOST_HELD} events wait")
        return False
    await _add(house, tx, visit.now, stream, event, about_stream=False)
    return True


async def pause(house: House, tx: Tx, visit: Visit, stream: Stream, why: str) -> None:
    """Step: pause *stream* unless it is not enabled any more: its receiver and every administrator are told."""
    if not await signals.pause(tx, stream.id, why):
        return
    event = stream_updated(stream.id, Status.PAUSED.value, why)
    await _add(house, tx, visit.now, stream, event, about_stream=True)
    text = f"An event stream to {stream.host or 'a receiver that polls'} was paused: {why}."
    await alert(tx, visit, about="event stream paused", text=text, target=f"signal_stream:{stream.id}")


async def _add(house: House, tx: Tx, now: Instant, stream: Stream, event: Event, *, about_stream: bool) -> None:
    jti = house.random.guid()
    payload = claims(event, issuer=issuer_of(house), audience=stream.audience, jti=jti, now=now)
    await signals.put(tx, stream.id, jti, orjson.dumps(payload), now, about_stream=about_stream)
