"""
Pushing events (RFC 8935): a worker a stream, so that one that hangs holds up nobody else, until nothing waits.

An event leaves the outbox when its receiver has it, or says that it will never take it. It is signed anew each time it
is sent, with the key of that moment, and its `jti` stays. One cause's events are of different sessions, and are sent
some at a time; what is about one session is sent in its order.
"""

import asyncio
from dataclasses import replace
from typing import NamedTuple

import orjson
import structlog

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals.delivery import ALARM, KEPT, Outcome, Pushed, again_in, judge_push
from ostiary.core.signals.streams import Stream, Target
from ostiary.core.words.instants import Instant, Span, after
from ostiary.core.words.visit import Visit
from ostiary.outside.outgoing import Answer
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signals.outbox import pause
from ostiary.services.signals.streams import open_target
from ostiary.services.tokens.keyring import Signing
from ostiary.store import Tx, signals
from ostiary.store.signals import Waiting

__all__ = ["SIGNED_WITH", "push", "rejected", "tend_streams"]

SIGNED_WITH = "RS256"
"""CAEP Interoperability Profile 1.0 §2.6, whatever the application's tokens are signed with."""
AT_ONCE = 8  # events on their way to one receiver
LOOKS = 0.1  # seconds between two looks for streams that nobody serves yet

_log = structlog.get_logger("ostiary.signals")


async def push(house: House, visit: Visit) -> int:
    """Job: push all that waits; how many streams were served. It returns when nothing is on its way."""
    served, workers = 0, dict[str, asyncio.Task[None]]()
    async with asyncio.TaskGroup() as group:
        while True:
            now = house.clock.now()
            for id in await house.store.read(lambda tx, now=now: signals.due(tx, now)):  # type: ignore[misc]
                if id not in workers:
                    workers[id], served = group.create_task(_serve(house, visit, id)), served + 1
            if not workers:
                return served
            await asyncio.wait(workers.values(), timeout=LOOKS, return_when=asyncio.FIRST_COMPLETED)
            workers = {id: worker for id, worker in workers.items() if not worker.done()}


async def _serve(house: House, visit: Visit, id: str) -> None:
    """Push what waits on one stream until nothing does or something did not arrive; a fault is this stream's alone."""
    try:
        while await _batch(house, visit, id):
            pass
    except Exception as error:
        _log.error("events not pushed", stream=id, error=type(error).__name__)
        await _put_off(house, id)


async def _put_off(house: House, id: str) -> None:
    """After a fault of ours: not at once again."""

    async def body(tx: Tx) -> None:
        stream = await signals.find(tx, id)
        if stream is not None:
            failures = stream.failures + 1
            retry = after(house.clock.now(), again_in(failures))
            await signals.went(tx, id, failures=failures, retry=retry)

    await house.store.write(body)


class _Load(NamedTuple):
    """What is to be pushed next."""

    stream: Stream
    sealed: bytes
    events: list[Waiting]


async def _batch(house: House, visit: Visit, id: str) -> bool:
    """Push the oldest events; whether there may be more to push now."""

    async def look(tx: Tx) -> _Load | None:
        stream, waiting = await signals.find(tx, id), await signals.waiting(tx, id, AT_ONCE)
        return None if stream is None or not waiting else _Load(stream, await signals.sealed(tx, id), waiting)

    load = await house.store.read(look)
    if load is None:
        return False
    try:
        target = open_target(house, id, load.sealed)
    except SealBroken:
        target = None
    if target is None:  # broken, or polled from now on
        await _put_off(house, id)
        return False
    signing = house.keyring.signing(SIGNED_WITH, house.clock.now())
    load = load._replace(events=_apart(load.events))
    outcomes = await asyncio.gather(*(_post(house, target, signing, event) for event in load.events))
    return await _settle(house, visit, load, outcomes)


def _apart(events: list[Waiting]) -> list[Waiting]:
    """The first of *events* up to one about a subject that another is about already (SSF 1.0 §8.1.2.1)."""
    seen: set[bytes] = set()
    for number, event in enumerate(events):
        subject = orjson.dumps(orjson.loads(event.claims)["sub_id"])
        if subject in seen:
            return events[:number]
        seen.add(subject)
    return events


async def _post(house: House, target: Target, signing: Signing, event: Waiting) -> Pushed:
    """One request (RFC 8935 §2.1), through the one client for all that we ask of others (R24)."""
    headers = {"content-type": "application/secevent+jwt", "accept": "application/json"}
    if target.header:
        headers["authorization"] = target.header
    token = signing.sign_event(event.claims).encode()
    answer = await house.outside.outgoing.ask("POST", target.url, headers=headers, body=token)
    if not isinstance(answer, Answer):
        return Pushed(Outcome.LATER, answer.trouble.value)
    return judge_push(answer.status, answer.body, tries=event.tries)


async def _settle(house: House, visit: Visit, load: _Load, outcomes: list[Pushed]) -> bool:
    """Write down what became of each; whether all arrived somewhere."""
    stream, now = load.stream, house.clock.now()
    visit = replace(visit, now=now)  # the job may be at work since long
    late = any(one.outcome is Outcome.LATER for one in outcomes)

    async def body(tx: Tx) -> None:
        for event, one in zip(load.events, outcomes, strict=True):
            if one.outcome is Outcome.LATER:
                await signals.tried(tx, stream.id, event.jti)
            elif await signals.done(tx, stream.id, [event.jti]) and one.outcome is Outcome.REJECTED:
                await rejected(tx, visit, stream, event.jti, one.err, one.description)
        await _went(tx, visit, stream, outcomes, now, late=late)

    await house.store.write(body)
    return not late


async def _went(tx: Tx, visit: Visit, stream: Stream, outcomes: list[Pushed], now: Instant, *, late: bool) -> None:
    """Step: the stream's own state after a batch. It may have been changed meanwhile: then it begins anew."""
    current = await signals.find(tx, stream.id)
    if current is None or current.revision != stream.revision:
        return
    if not late:
        if stream.failures:
            await signals.went(tx, stream.id, failures=0, retry=None)
        return
    failures = stream.failures + 1
    await signals.went(tx, stream.id, failures=failures, retry=after(now, again_in(failures)))
    if failures == ALARM:
        why = next(one.err for one in outcomes if one.outcome is Outcome.LATER) or "no answer that counts"
        text = f"Events for {stream.host} do not arrive ({why}); they are kept for seven days and sent again."
        await alert(tx, visit, about="event stream fails", text=text, target=f"signal_stream:{stream.id}")


async def rejected(tx: Tx, visit: Visit, stream: Stream, jti: str, err: str, description: str) -> None:
    """Step: a receiver will never take an event: that is written down, and the event is not sent again."""
    detail = {"client": stream.application, "jti": jti, "err": err, "description": description}
    await record(tx, visit, Entry(Kind.EVENT_REJECTED, target=f"signal_stream:{stream.id}", detail=detail))


async def tend_streams(house: House, visit: Visit) -> int:
    """Job: drop events that waited for seven days, and pause the streams that never took them; how many events."""
    before = after(visit.now, Span(-KEPT))

    async def body(tx: Tx) -> int:
        dropped = 0
        for id, count in (await signals.too_old(tx, before)).items():
            stream = await signals.find(tx, id)
            if stream is not None:
                dropped += await signals.forget(tx, id, before)
                await signals.count_dropped(tx, id, count)
                await pause(house, tx, visit, stream, f"{count} events were not taken for seven days")
        return dropped

    return await house.store.write(body)
