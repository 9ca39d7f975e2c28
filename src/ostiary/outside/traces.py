"""
Traces that leave the process: the spans of one request, and their way to a collector (OTLP over HTTP, JSON).

Spans are made when a request is over, from what was noted meanwhile, since only then it is known which sign-in it was
about. What waits to be sent is bounded; a collector that does not answer costs spans, never a request.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Protocol

import orjson

from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason
from ostiary.core.words.traces import Answered, Happened, SpanKind, TraceSpan, otlp, parent_in, sampled, trace_of
from ostiary.outside.outgoing import Answer, Outgoing
from ostiary.outside.random import Random

__all__ = ["SEND_EVERY", "Noted", "Traces", "Trail", "Work"]

SEND_EVERY = 2.0  # seconds
WAITING = 4096  # spans; beyond that the oldest are dropped
BATCH = 48  # spans of one request to the collector: what goes out is at most 64 KiB
MOST = 64  # pieces of work of one request
_REASONS = frozenset(reason.value for reason in Reason)
_HEADERS = {"content-type": "application/json"}


class Noted(Protocol):
    """A journal entry that a piece of work left (`ostiary.store.traced.Left`)."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def story(self) -> str:
        """The sign-in or deed that it belongs to."""

    @property
    def body(self) -> str:
        """Its JSON."""


class Work(Protocol):
    """A piece of work inside a request (`ostiary.store.traced.Look`)."""

    @property
    def what(self) -> str:
        """One word for it."""

    @property
    def began(self) -> Instant:
        """When it began."""

    @property
    def ended(self) -> Instant:
        """When it ended."""

    @property
    def good(self) -> bool:
        """Whether it came to its end."""

    @property
    def left(self) -> Sequence[Noted]:
        """The entries that it left."""


@dataclass(slots=True)
class Trail:
    """What was noted of one request so far."""

    work: list[Work] = field(default_factory=list)

    @property
    def left(self) -> bool:
        """Whether it left a journal entry."""
        return any(work.left for work in self.work)

    def story(self, id: str) -> str:
        """The sign-in that it was about; *id* (its own) where it was about none."""
        stories = (left.story for work in self.work for left in work.left)
        return next((story for story in stories if story != id and trace_of(story)), id)


_TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)


class Traces:
    """The tracer of one process. One loop uses it."""

    def __init__(self, endpoint: str, ratio: float, outgoing: Outgoing, random: Random) -> None:
        """Send to *endpoint* (the whole address) what belongs to *ratio* of all sign-ins."""
        self._endpoint = endpoint
        self._ratio = ratio
        self._outgoing = outgoing
        self._random = random
        self._line: deque[TraceSpan] = deque()
        self.sent = self.dropped = 0

    def begin(self) -> Trail:
        """A request begins, in this task: what is noted in it from now on is its own."""
        trail = Trail()
        _TRAIL.set(trail)
        return trail

    @staticmethod
    def note(work: Work) -> None:
        """*work* was done; outside of a request nobody wants to know."""
        trail = _TRAIL.get()
        if trail is not None and len(trail.work) < MOST:
            trail.work.append(work)

    def end(self, trail: Trail, request: Answered) -> None:
        """The request is over: its spans get in line, unless its trace is none of those that are kept."""
        trace = trace_of(trail.story(request.id))
        if trace is None or not sampled(trace, self._ratio):
            return
        root = TraceSpan(
            trace, self._id(), f"{request.method} {request.route}", SpanKind.SERVER, request.began, request.ended,
            parent=parent_in(request.parent, trace), attributes=_about(request), failed=request.status >= 500,
        )  # fmt: skip
        self._add(root)
        for work in trail.work:
            about = {"db.system.name": "sqlite", "db.operation.name": work.what}
            self._add(
                TraceSpan(
                    trace, self._id(), f"store {work.what}", SpanKind.INTERNAL, work.began, work.ended, parent=root.id,
                    attributes=about, events=tuple(_happened(left, work.ended) for left in work.left),
                    failed=not work.good,
                )
            )  # fmt: skip

    def _id(self) -> str:
        return self._random.bytes(8).hex()

    def _add(self, span: TraceSpan) -> None:
        if len(self._line) >= WAITING:
            self._line.popleft()
            self.dropped += 1
        self._line.append(span)

    async def send(self) -> None:
        """Send what is in line; what the collector does not take is dropped, for later is full of newer ones."""
        while self._line:
            spans = [self._line.popleft() for _ in range(min(BATCH, len(self._line)))]
            body = orjson.dumps(otlp("ostiary-server", version("ostiary"), spans))
            answer = await self._outgoing.ask("POST", self._endpoint, headers=_HEADERS, body=body)
            if isinstance(answer, Answer) and answer.status == 200:
                self.sent += len(spans)
            else:
                self.dropped += len(spans)

    async def run(self) -> None:
        """Send from time to time, until cancelled."""
        while True:
            await asyncio.sleep(SEND_EVERY)
            await self.send()

    def close(self) -> None:
        """Let go of the connections' threads."""
        self._outgoing.close()


def _about(request: Answered) -> Mapping[str, str | int | bool]:
    about: dict[str, str | int | bool] = {
        "http.request.method": request.method, "http.route": request.route, "ostiary.reference": request.id,
    }  # fmt: skip
    return {**about, "http.response.status_code": request.status} if request.status else about


def _happened(left: Noted, at: Instant) -> Happened:
    """An entry's kind, and its reason where that is one of our own words: what people wrote stays in the journal."""
    reason = orjson.loads(left.body).get("detail", {}).get("reason")
    known = isinstance(reason, str) and reason in _REASONS
    return Happened(left.kind, at, {"ostiary.reason": reason} if known else {})
