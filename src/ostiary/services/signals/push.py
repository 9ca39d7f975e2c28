"""
Pushing events (RFC 8935): each stream by a task of its own. One that hangs holds up nobody else: after a push that did
not arrive it gets one event at a time, such streams have few of the places, and requests elsewhere have another client.

A stream is claimed in the transaction that reads its next events and let go after: two nodes do not push the same, and
who is killed between the two leaves it to be pushed again two minutes later, with the same `jti`.

An event leaves the outbox when its receiver has it, or says that it will never take it. It is signed anew each time it
is sent, with the key of that moment, and its `jti` stays. One cause's events are of different sessions, and are sent
some at a time; what is about one session is sent in its order.
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import orjson
import structlog

from ostiary.core.access.picture import Picture
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals.delivery import ALARM, KEPT, Outcome, Pushed, again_in, judge_push
from ostiary.core.signals.streams import Stream, Target, may_be_told
from ostiary.core.words.instants import Span, after, minutes, seconds
from ostiary.core.words.visit import Visit
from ostiary.outside.outgoing import Answer
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signals.outbox import pause
from ostiary.services.signals.streams import open_target
from ostiary.store import Tx, signals
from ostiary.store.signals import Waiting

__all__ = ["AT_ONCE", "TURNS", "push", "rejected", "sign", "tend_streams"]

SIGNED_WITH = "RS256"
"""CAEP Interoperability Profile 1.0 §2.6, whatever the application's tokens are signed with."""
CLAIMED = minutes(2)  # a stream belongs to who pushes to it: longer than any batch takes
HOLDS = seconds(10)  # until it is asked again whether an application may be told
AT_ONCE = 8  # events on their way to one receiver
STREAMS = 16  # served at once
TROUBLED = 6  # of those, how many may be such as failed last time
BURST = 50  # batches of one stream in a row, before others get its place
TURNS = STREAMS * AT_ONCE
"""Requests that are on their way at once: none waits for its turn, which would count into its five seconds."""
_FIRST, _AGAIN = "push ", "push again "

_log = structlog.get_logger("ostiary.signals")


async def push(house: House, visit: Visit) -> int:
    """Job: begin to push to the streams on which something waits; how many were begun. Waits for none of them."""
    found = await house.store.read(lambda tx: signals.due(tx, visit.now, 4 * STREAMS))
    pushing, begun = house.outside.pushing, 0
    for id, failures in found:
        if len(pushing) >= STREAMS or (failures and pushing.count(_AGAIN) >= TROUBLED):
            continue
        if not any(pushing.running(kind + id) for kind in (_FIRST, _AGAIN)):
            begun += pushing.start((_AGAIN if failures else _FIRST) + id, partial(_serve, house, visit, id))
    return begun


async def _serve(house: House, visit: Visit, id: str) -> None:
    """Push what waits on one stream until nothing does, or something did not arrive, or others had to wait enough."""
    try:
        for _ in range(BURST):
            if not await _batch(house, replace(visit, now=house.clock.now()), id):
                return
    except Exception as error:
        _log.error("events not pushed", stream=id, error=type(error).__name__)


class _Load(NamedTuple):
    """What is to be pushed next."""

    stream: Stream
    sealed: bytes
    events: list[Waiting]


async def _batch(house: House, visit: Visit, id: str) -> bool:
    """Push the oldest events; whether there may be more to push now. A fault of ours is this stream's alone."""
    load = await settled(house, partial(_claim, visit=visit, id=id))
    if load is None:
        return False
    try:
        outcomes = await _send(house, load)
    except Exception as error:
        _log.error("events not pushed", stream=id, error=type(error).__name__)
        fault = [Pushed(Outcome.LATER, "a fault of this service")]
        later = replace(visit, now=house.clock.now())
        await house.store.write(partial(_went, visit=later, stream=load.stream, outcomes=fault))
        return False
    return await _settle(house, replace(visit, now=house.clock.now()), load, outcomes)


async def _claim(tx: Tx, picture: Picture, *, visit: Visit, id: str) -> _Load | None:
    """
    Step: the oldest events of stream *id*, which nobody else pushes until it is said how that went. None where nothing
    may go out: what waits for an application that may not be told is held, and looked at again.
    """
    stream = await signals.find(tx, id)
    waiting = await signals.waiting(tx, id, AT_ONCE if stream is not None and not stream.failures else 1)
    if stream is None or not waiting:
        return None
    if not await signals.claim(tx, id, now=visit.now, until=after(visit.now, CLAIMED)):
        return None
    if not may_be_told(picture.applications.get(stream.application)):
        await signals.went(tx, id, failures=stream.failures, retry=after(visit.now, HOLDS))
        return None
    return _Load(stream, await signals.sealed(tx, id), _apart(waiting))


async def _send(house: House, load: _Load) -> list[Pushed]:
    """What became of each. Raises SealBroken, and what else is wrong with us."""
    target = open_target(house, load.stream.id, load.sealed)
    if target is None:
        raise LookupError("a stream that is pushed to has no target")
    tokens = await sign(house, load.events)
    sent = (_post(house, target, tokens[event.jti], event.tries) for event in load.events)
    return await asyncio.gather(*sent)


async def sign(house: House, events: list[Waiting]) -> dict[str, str]:
    """Tokens by their `jti`, signed in a thread: a hundred signatures would hold up everybody."""
    signing = house.keyring.signing(SIGNED_WITH, house.clock.now())
    return await asyncio.to_thread(lambda: {event.jti: signing.sign_event(event.claims) for event in events})


def _apart(events: list[Waiting]) -> list[Waiting]:
    """The first of *events* up to one about a subject that another is about already (SSF 1.0 §8.1.2.1)."""
    seen: set[bytes] = set()
    for number, event in enumerate(events):
        subject = orjson.dumps(orjson.loads(event.claims)["sub_id"])
        if subject in seen:
            return events[:number]
        seen.add(subject)
    return events


async def _post(house: House, target: Target, token: str, tries: int) -> Pushed:
    """One request (RFC 8935 §2.1), through the client for events (R24)."""
    headers = {"content-type": "application/secevent+jwt", "accept": "application/json"}
    if target.header:
        headers["authorization"] = target.header
    answer = await house.outside.signal_outgoing.ask("POST", target.url, headers=headers, body=token.encode())
    if not isinstance(answer, Answer):
        return Pushed(Outcome.LATER, answer.trouble.value)
    return judge_push(answer.status, answer.body, tries=tries)


async def _settle(house: House, visit: Visit, load: _Load, outcomes: list[Pushed]) -> bool:
    """Write down what became of each; whether all arrived somewhere."""
    stream = load.stream

    async def body(tx: Tx) -> bool:
        for event, one in zip(load.events, outcomes, strict=True):
            if one.outcome is Outcome.LATER:
                await signals.tried(tx, stream.id, event.jti)
            elif await signals.done(tx, stream.id, [event.jti]) and one.outcome is Outcome.REJECTED:
                await rejected(tx, visit, stream, event.jti, one.err, one.description)
        return await _went(tx, visit=visit, stream=stream, outcomes=outcomes)

    return await house.store.write(body)


async def _went(tx: Tx, *, visit: Visit, stream: Stream, outcomes: list[Pushed]) -> bool:
    """
    Step: the stream's own state after a batch; whether all arrived somewhere. It may have been changed meanwhile: then
    it begins anew.
    """
    late = [one for one in outcomes if one.outcome is Outcome.LATER]
    current = await signals.find(tx, stream.id)
    if current is None or current.revision != stream.revision:
        return not late
    if not late:
        await signals.went(tx, stream.id, failures=0, retry=None)
        return True
    failures = stream.failures + 1
    await signals.went(tx, stream.id, failures=failures, retry=after(visit.now, again_in(failures)))
    if failures == ALARM:
        why = late[0].err or "no answer that counts"
        text = f"Events for {stream.host} do not arrive ({why}); they are kept for seven days and sent again."
        await alert(tx, visit, about="event stream fails", text=text, target=f"signal_stream:{stream.id}")
    return False


async def rejected(tx: Tx, visit: Visit, stream: Stream, jti: str, err: str, description: str) -> None:
    """Step: a receiver will never take an event: that is written down, and the event is not sent again."""
    detail = {"client": stream.application, "jti": jti, "err": err, "description": description}
    await record(tx, visit, Entry(Kind.EVENT_REJECTED, target=f"signal_stream:{stream.id}", detail=detail))


async def tend_streams(house: House, visit: Visit) -> int:
    """Job: drop events that waited for seven days, and pause the streams that never took them; how many events."""
    before, late = after(visit.now, Span(-KEPT)), dict[str, int]()

    async def body(tx: Tx) -> int:
        nonlocal late
        dropped, late = 0, await signals.too_old(tx, before)
        for id, count in late.items():
            stream = await signals.find(tx, id)
            if stream is not None:
                dropped += await signals.forget(tx, id, before)
                await signals.count_dropped(tx, id, count)
                await pause(house, tx, visit, stream, f"{count} events were not taken for seven days")
        return dropped

    dropped = await house.store.write(body)
    for id in late:
        house.polls.wake(id)
    return dropped
