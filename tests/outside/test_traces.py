"""The way of spans out of the process: bounded, sampled by the sign-in; a collector that is gone costs spans alone."""

import asyncio
from typing import NamedTuple

from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.instants import Instant
from ostiary.core.words.traces import Answered
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.random import SystemRandom
from ostiary.outside.traces import MOST, WAITING, Traces
from tests.collector import collecting, free_port

REFERENCE, SIGN_IN = "0f5c7a3e-6d0b-4d6e-9a01-05717a1c1001", "0f5c7a3e-6d0b-4d6e-9aff-ffffffffffff"


class Left(NamedTuple):
    """An entry."""

    kind: str
    story: str
    body: str = '{"detail":{"reason":"what somebody typed"}}'


class Work(NamedTuple):
    """A transaction."""

    left: tuple[Left, ...] = ()
    what: str = "write"
    began: Instant = Instant(10)
    ended: Instant = Instant(20)
    good: bool = True


def tracer(place: str, ratio: float = 1.0) -> Traces:
    """One that may ask *place*."""
    return Traces(f"{place}/v1/traces", ratio, Outgoing(read_destinations((place,))), SystemRandom())


def request(traces: Traces, *work: Work) -> None:
    """One request, in which *work* was done."""
    trail = traces.begin()
    for each in work:
        traces.note(each)
    traces.end(trail, Answered(REFERENCE, "/x", "POST", 200, Instant(1), Instant(30)))


def test_a_request_is_in_the_trace_of_the_sign_in_that_it_was_about() -> None:
    """Not under its reference; what people wrote as a reason stays behind."""

    async def run() -> None:
        with collecting() as collector:
            traces = tracer(collector.place)
            request(traces, Work((Left("user:session:created", REFERENCE), Left("device:signin:claimed", SIGN_IN))))
            await traces.send()
            assert [span.name for span in collector.of(SIGN_IN.replace("-", ""))] == ["POST /x", "store write"]
            assert len(collector.spans) == traces.sent == 2
            assert b"typed" not in collector.bodies[0]

    asyncio.run(run())


def test_requests_side_by_side_note_their_own_work() -> None:
    """Each in its own task, as the server has them; what nobody's request did is nobody's."""

    async def run() -> None:
        traces = tracer("http://127.0.0.1:1")
        seen: list[int] = []

        async def one(count: int) -> None:
            trail = traces.begin()
            for _ in range(count):
                traces.note(Work())
                await asyncio.sleep(0)
            seen.append(len(trail.work))

        traces.note(Work())
        await asyncio.gather(*(asyncio.create_task(one(count)) for count in (1, 5, 3, MOST + 9)))
        assert sorted(seen) == [1, 3, 5, MOST]

    asyncio.run(run())


def test_a_collector_that_is_gone_costs_spans_and_memory_is_bounded() -> None:
    """The oldest go first; the rest is dropped when it could not be sent."""

    async def run() -> None:
        traces = tracer(f"http://127.0.0.1:{free_port()}")
        for _ in range(WAITING + 10):
            request(traces)
        assert traces.dropped == 10
        await traces.send()
        assert (traces.sent, traces.dropped) == (0, WAITING + 10)

    asyncio.run(run())


def test_a_sign_in_that_is_not_sampled_leaves_no_span() -> None:
    """All of its requests ask the same id: the last bits of this one are the highest there are."""

    async def run() -> None:
        with collecting() as collector:
            traces = tracer(collector.place, 0.9)
            request(traces, Work((Left("device:signin:claimed", SIGN_IN),)))
            await traces.send()
            assert collector.spans == []
            request(traces)
            await traces.send()
            assert [span.name for span in collector.spans] == ["POST /x"]

    asyncio.run(run())
