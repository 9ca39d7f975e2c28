"""
Conversations with a server, without doing any of it: the steps that an exchange asks for, and the replies it gets.

An *exchange* is a generator. It yields a step (send this, wait so long, tell the person that) and is resumed with a
reply; what it returns is its result, what it raises is an `OstiaryError`. It never touches a socket or a clock, every
reply brings the time. `drive` performs the steps, once for threads and once for asyncio, so no protocol rule exists
twice.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ostiary.client.errors import ServerFault, Unreachable

__all__ = [
    "ANSWER_LIMIT",
    "Answer",
    "Arrived",
    "Await",
    "Call",
    "Event",
    "Exchange",
    "Listen",
    "Listening",
    "Lost",
    "Pause",
    "Question",
    "Reply",
    "Step",
    "Tell",
    "Typed",
    "Woke",
    "answered",
    "await_arrival",
    "call",
    "listen",
    "needed",
    "pause",
    "question",
    "tell",
]

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read; a longer one is refused unread."""


class Event:
    """Something that the person may be told; each protocol file has its own kinds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Send one request. A form goes as application/x-www-form-urlencoded (RFC 6749 appendix B), `content` as JSON."""

    method: str
    url: str
    form: Mapping[str, str] | None = None
    content: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 20.0
    limit: int = ANSWER_LIMIT


@dataclass(frozen=True, slots=True)
class Pause:
    """Let *seconds* pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Let the person know; the conversation goes on at once."""

    event: Event


@dataclass(frozen=True, slots=True)
class Question:
    """Ask the person what *event* says, for up to *seconds*."""

    event: Event
    seconds: float


@dataclass(frozen=True, slots=True)
class Listen:
    """Open a listener on 127.0.0.1, any port (RFC 8252 §7.3), and say its address."""

    path: str


@dataclass(frozen=True, slots=True)
class Await:
    """Wait up to *seconds* for a request to the listener whose `state` is *state*."""

    seconds: float
    state: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, already bounded; header names are in lower case."""

    at: float
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        """The JSON object of the body. Raises ServerFault when it is something else."""
        found = self.fields_or_none()
        if found is None:
            raise ServerFault(f"the server answered {self.status} with something that is not a JSON object")
        return found

    def fields_or_none(self) -> dict[str, object] | None:
        """The JSON object of the body, or None when the body is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. *final* when trying again cannot help (an untrusted certificate, an address that is none)."""

    at: float
    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Woke:
    """Time has passed, or the person has been told."""

    at: float


@dataclass(frozen=True, slots=True)
class Typed:
    """What the person typed; None when nobody did in time."""

    at: float
    text: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listening:
    """The listener is open at *address*."""

    at: float
    address: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """The browser came back with *query*; None when nobody came in time."""

    at: float
    query: Mapping[str, str] | None


Step = Call | Pause | Tell | Question | Listen | Await
Reply = Answer | Lost | Woke | Typed | Listening | Arrived

T = TypeVar("T")
Exchange = Generator[Step, Reply, T]


def call(request: Call) -> Exchange[Answer | Lost]:
    """Send *request*; what came back, or that nothing did."""
    reply = yield request
    if not isinstance(reply, Answer | Lost):
        raise TypeError(f"a call was answered with {type(reply).__name__}")
    return reply


def needed(request: Call) -> Exchange[Answer]:
    """Send *request* where nothing can go on without an answer. Raises Unreachable."""
    return answered(request, (yield from call(request)))


def answered(request: Call, reply: Answer | Lost) -> Answer:
    """The answer to *request*. Raises Unreachable when there was none."""
    if isinstance(reply, Lost):
        raise Unreachable(f"no answer from {request.url.split('?')[0]}: {reply.reason}")
    return reply


def pause(seconds: float) -> Exchange[float]:
    """Let *seconds* pass; the time then."""
    reply = yield Pause(max(0.0, seconds))
    return reply.at


def tell(event: Event) -> Exchange[None]:
    """Let the person know of *event*."""
    yield Tell(event)


def question(event: Event, seconds: float) -> Exchange[Typed]:
    """Ask the person; what they typed, and when."""
    reply = yield Question(event, seconds)
    if not isinstance(reply, Typed):
        raise TypeError(f"a question was answered with {type(reply).__name__}")
    return reply


def listen(path: str) -> Exchange[str]:
    """Open the listener; its address."""
    reply = yield Listen(path)
    if not isinstance(reply, Listening):
        raise TypeError(f"a listener was answered with {type(reply).__name__}")
    return reply.address


def await_arrival(seconds: float, state: str) -> Exchange[Mapping[str, str] | None]:
    """Wait for the browser; the query it brought, or None."""
    reply = yield Await(seconds, state)
    if not isinstance(reply, Arrived):
        raise TypeError(f"an arrival was answered with {type(reply).__name__}")
    return reply.query
