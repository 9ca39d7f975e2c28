"""
Delivery: what the answer to a push means (RFC 8935 §2), what a poll asks for (RFC 8936 §2), and how long to wait.

Every event is sent until it is acknowledged, with the same `jti`: what is in doubt is sent again. A receiver that says
that one event is no good is believed about that event alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from ostiary.core.logs.entry import tame
from ostiary.core.words.instants import Span, days, doubled, minutes, seconds

__all__ = [
    "ALARM",
    "KEPT",
    "MOST_HELD",
    "MOST_POLLED",
    "Outcome",
    "Poll",
    "Pushed",
    "again_in",
    "judge_push",
    "read_poll",
]

MOST_HELD = 20_000
"""Events that wait on one stream; when there are more, it is paused and none is added."""
KEPT = days(7)
"""How long an event waits."""
MOST_POLLED = 100
"""Events in one answer, and acknowledgements or errors in one request."""
ALARM = 5
"""After so many pushes in a row that did not arrive, about half a minute, somebody is told."""
REFUSED_TRIES = 8
"""How often an event is sent again that its receiver refuses for a reason that may pass, such as an old key list."""

_FIRST, _LONGEST = seconds(1), minutes(5)
_FOR_GOOD = frozenset({"invalid_request", "invalid_issuer", "invalid_audience", "invalid_state"})
"""What sending again cannot mend."""
_ABOUT_US = frozenset({"authentication_failed", "access_denied"})
"""Says nothing about the event: whoever mends the authorisation gets it."""


class Outcome(StrEnum):
    """What became of one push."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    """The receiver will never take this one."""
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Pushed:
    """The outcome, with what the receiver said where it said no."""

    outcome: Outcome
    err: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """A request for events."""

    most: int = MOST_POLLED
    at_once: bool = False
    """Answer even with nothing."""
    acknowledged: tuple[str, ...] = ()
    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By `jti`: `err` and `description`."""


def judge_push(status: int, body: bytes, *, tries: int) -> Pushed:
    """
    What an answer means for an event that was sent *tries* times before. 202 is RFC 8935's yes (§2.2); the other 2xx
    that receivers send mean the same.
    """
    if 200 <= status < 300:
        return Pushed(Outcome.DELIVERED)
    if status != 400:
        return Pushed(Outcome.LATER, str(status))
    err, description = _said(body)
    enough = bool(err) and err not in _ABOUT_US and tries + 1 >= REFUSED_TRIES
    return Pushed(Outcome.REJECTED if err in _FOR_GOOD or enough else Outcome.LATER, err, description)


def _said(body: bytes) -> tuple[str, str]:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(read, dict):
        return "", ""
    err, description = read.get("err"), read.get("description")
    return _short(err), _short(description)


def _short(said: object) -> str:
    return tame(said)[:200] if isinstance(said, str) else ""


def again_in(failures: int) -> Span:
    """How long to wait after so many *failures* in a row: a second, twice as long each time, at most five minutes."""
    return doubled(_FIRST, failures - 1, _LONGEST)


def read_poll(given: Mapping[str, Any]) -> Poll | str:
    """The request, or what is wrong with it (RFC 8936 §2.2). No more than 100 events are given whatever it asks."""
    most, at_once = given.get("maxEvents", MOST_POLLED), given.get("returnImmediately", False)
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        return "maxEvents: a whole number is needed."
    if not isinstance(at_once, bool):
        return "returnImmediately: either true or false is needed."
    acknowledged, errors = given.get("ack", []), given.get("setErrs", {})
    if not isinstance(acknowledged, list) or not all(isinstance(one, str) for one in acknowledged):
        return "ack: a list of texts is needed."
    if not isinstance(errors, dict) or not all(isinstance(one, dict) for one in errors.values()):
        return "setErrs: an object of objects is needed."
    if len(acknowledged) > MOST_POLLED or len(errors) > MOST_POLLED:
        return f"At most {MOST_POLLED} events can be acknowledged at once."
    told = {jti: (_short(one.get("err")), _short(one.get("description"))) for jti, one in errors.items()}
    return Poll(min(most, MOST_POLLED), at_once, tuple(acknowledged), told)
