"""
`python -m bench.cost [WORK ...]`: the CPU that each piece of work costs the application, in one process and without
sockets, as docs/performance.md compares it before and after a change.

Requests of the benchmark's own flows go to the application one batch after the other, jobs on. The least of all batches
is what other work on the machine disturbed least: run it in turn in two checkouts (A B A B) and compare those.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from bench.load import Answer, Flow
from bench.ostiary import prepared
from bench.stacks import GRANT, INTROSPECT, POLL, REFRESH, REQUEST, WORK, Ostiary
from ostiary.app.console import perform
from ostiary.app.jobs import run_jobs
from ostiary.app.serve import application
from ostiary.web.front.hot import Asgi


class Plan(NamedTuple):
    """How a piece of work is played."""

    warm_up: int
    """Requests of each seat before it is measured: what it needs, and some more."""
    seats: int
    """Flows at once: deeds that write share their commits."""
    requests: int
    """Of each seat in a batch."""
    batches: int
    each: int = 1
    """Requests of one piece of work."""


PLANS: Final = {
    POLL: Plan(4, 1, 20, 400),
    INTROSPECT: Plan(30, 1, 20, 300),
    REQUEST: Plan(4, 32, 1, 80),
    REFRESH: Plan(6, 32, 1, 60),
    GRANT: Plan(4, 32, 4, 25, each=4),
}


class Seat:
    """One flow in front of *app*."""

    def __init__(self, app: Asgi, flow: Flow) -> None:
        self._app, self._flow, self._next = app, flow, next(flow)

    async def play(self, requests: int) -> None:
        """The next *requests* of the flow, each answer checked by it."""
        for _ in range(requests):
            self._next = self._flow.send(await _answer(self._app, self._next))


async def _answer(app: Asgi, raw: bytes) -> Answer:
    """What *app* says to the HTTP/1.1 request *raw*, as a server would hand it over."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, path, _ = first.split(b" ")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.decode(),
        "path": path.decode(), "raw_path": path, "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)],
        "client": ("127.0.0.1", 1024), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    named = b"\r\n".join(name + b": " + value for name, value in sent[0]["headers"])
    whole = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], b"HTTP/1.1 %d\r\n" % sent[0]["status"] + named, whole)


async def measure(app: Asgi, flow: Callable[[], Flow], plan: Plan) -> list[float]:
    """CPU microseconds of one piece of the work that *flow* plays, of each batch, sorted."""
    seats = [Seat(app, flow()) for _ in range(plan.seats)]
    await asyncio.gather(*(seat.play(plan.warm_up) for seat in seats))
    spent = []
    for _ in range(plan.batches):
        began = time.process_time_ns()
        await asyncio.gather(*(seat.play(plan.requests) for seat in seats))
        spent.append((time.process_time_ns() - began) / 1000 / (plan.requests * plan.seats) * plan.each)
    return sorted(spent)


async def _all(works: list[str], nowhere: IO[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with prepared(Path(folder)) as (house, _, said):
            jobs = asyncio.create_task(run_jobs(house))
            app, flows = application(house), Ostiary().flows(said)
            for work in works:
                with contextlib.redirect_stderr(nowhere):  # the log
                    spent = await measure(app, flows[work], PLANS[work])
                print(f"{work:15} least {spent[0]:8.1f} µs   median {statistics.median(spent):8.1f} µs", flush=True)
            jobs.cancel()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("work", nargs="*", help=f"only these: {', '.join(WORK)}")
    asked = parser.parse_args()
    if strange := set(asked.work) - set(WORK):
        parser.error(f"no such work: {', '.join(sorted(strange))}")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        perform(lambda: _all(asked.work or list(WORK), nowhere))


if __name__ == "__main__":
    main()
