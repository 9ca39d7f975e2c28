"""
A stream: which events a receiver gets, and how (SSF 1.0 §8.1.1, §8.1.2).

Owns the reading of what receivers ask for, within bounds, and the document that they are shown. Where events are pushed
to, and what authorises that, is sealed and stands in no value here but `Target` (R17).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ostiary.core.directory.applications import Application
from ostiary.core.signals.events import SUPPORTED
from ostiary.core.words.destinations import place_of
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, seconds, to_seconds

__all__ = [
    "MOST_STREAMS",
    "POLL",
    "PURPOSE",
    "PUSH",
    "VERIFY_EVERY",
    "Method",
    "Status",
    "Stream",
    "Target",
    "Wish",
    "changed",
    "contradiction",
    "document",
    "may_be_told",
    "read_wish",
]

MOST_STREAMS = 4
"""Streams of one application."""
VERIFY_EVERY = seconds(30)
"""How often a receiver may ask for a verification event."""
PURPOSE = "signals"  # of the seal of a target
PUSH = "urn:ietf:rfc:8935"
POLL = "urn:ietf:rfc:8936"

_MOST_EVENTS = 64
_LONGEST = 256  # characters of a description, a reason, an event's name
_LONGEST_HEADER = 4096


class Method(StrEnum):
    """How events reach the receiver."""

    PUSH = "push"
    POLL = "poll"


class Status(StrEnum):
    """SSF 1.0 §8.1.2."""

    ENABLED = "enabled"
    PAUSED = "paused"
    """Events are held."""
    DISABLED = "disabled"
    """Events are not even held."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where events are pushed to."""

    url: str = field(repr=False)
    header: str = field(default="", repr=False)
    """The whole value of the Authorization header."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of one receiver."""

    id: str
    application: AppId
    audience: str
    """`aud` of everything on it; never changes."""
    method: Method
    host: str
    """Of the address that events are pushed to; empty when they are polled."""
    requested: tuple[str, ...] | None
    """None: whatever there is."""
    description: str
    created: Instant
    status: Status = Status.ENABLED
    why: str = ""
    """Why it is paused or disabled."""
    revision: int = 0
    """Raised with every change of what the receiver configured."""
    verified: Instant | None = None
    """When a verification event was asked for last."""
    failures: int = 0
    """Pushes in a row that did not arrive."""
    retry: Instant | None = None
    """Not before then is it tried again."""
    dropped: int = 0
    """Events that it never got, because it was full or they had become too old."""

    @property
    def delivered(self) -> tuple[str, ...]:
        """The events that it gets."""
        return SUPPORTED if self.requested is None else tuple(e for e in SUPPORTED if e in self.requested)


def may_be_told(application: Application | None) -> bool:
    """
    Whether *application* may hear of anything now: asked when events are made, when they are pushed and at its door.
    A public one proves itself to nobody, and a disabled one is told what introspection would tell it: nothing (R19).
    """
    return application is not None and application.enabled and not application.public


@dataclass(frozen=True, slots=True)
class Wish:
    """What a receiver asks for; None where it says nothing."""

    requested: tuple[str, ...] | None = None
    method: Method | None = None
    target: Target | None = None
    description: str | None = None


def read_wish(given: Mapping[str, Any], *, whole: bool) -> Wish | str:
    """
    The receiver's part of a configuration, or what is wrong with it. A *whole* one, of a creation or a replacement,
    polls where it names no delivery (§8.1.1.1). Members of the transmitter's are `contradiction`'s matter.
    """
    events, description = given.get("events_requested"), given.get("description")
    if events is not None and not _names(events):
        return f"events_requested: a list of at most {_MOST_EVENTS} URIs is needed."
    if description is not None and not _text(description):
        return f"description: at most {_LONGEST} printable characters are allowed."
    requested = None if events is None else tuple(dict.fromkeys(events))
    delivery = given.get("delivery")
    if delivery is None:
        return Wish(requested, Method.POLL if whole else None, None, description)
    if not isinstance(delivery, dict):
        return "delivery: an object is needed."
    if delivery.get("method") == POLL:
        return Wish(requested, Method.POLL, None, description)
    if delivery.get("method") != PUSH:
        return f"delivery.method: one of {PUSH}, {POLL} is needed."
    target = _target(delivery)
    return target if isinstance(target, str) else Wish(requested, Method.PUSH, target, description)


def _names(given: object) -> bool:
    return isinstance(given, list) and len(given) <= _MOST_EVENTS and all(_text(one) for one in given)


def _text(given: object) -> bool:
    return isinstance(given, str) and len(given) <= _LONGEST and given.isprintable()


def _target(delivery: Mapping[str, Any]) -> Target | str:
    url, header = delivery.get("endpoint_url"), delivery.get("authorization_header", "")
    if not isinstance(url, str) or place_of(url) is None or "#" in url:
        return "delivery.endpoint_url: an https address without a user name is needed."
    plain = isinstance(header, str) and header.isascii() and header.isprintable() and header == header.strip()
    if not plain or len(header) > _LONGEST_HEADER:
        return "delivery.authorization_header: one line of ASCII is needed."
    return Target(url, header)


def contradiction(given: Mapping[str, Any], shown: Mapping[str, Any]) -> str | None:
    """
    What of the transmitter's own members a change says otherwise than they are, or None. They may be there, and must
    then be as they are (§8.1.1.3).
    """
    ours = ("stream_id", "iss", "aud", "events_supported", "events_delivered", "min_verification_interval")
    wrong = next((name for name in ours if name in given and given[name] != shown[name]), None)
    return None if wrong is None else f"{wrong}: this cannot be changed."


def changed(stream: Stream, wish: Wish, *, whole: bool) -> Stream:
    """
    *stream* as *wish* wants it: a *whole* one replaces all that is the receiver's, another what it names. A new
    delivery begins without the failures of the old one.
    """
    new = replace(stream, revision=stream.revision + 1)
    if whole or wish.requested is not None:
        new = replace(new, requested=wish.requested)
    if whole or wish.description is not None:
        new = replace(new, description=wish.description or "")
    if wish.method is None:
        return new
    place = place_of(wish.target.url) if wish.target is not None else None
    return replace(new, method=wish.method, host=place.host if place else "", failures=0, retry=None)


def document(stream: Stream, *, issuer: str, endpoint: str) -> dict[str, Any]:
    """
    The configuration as its receiver sees it. *endpoint* is where events are pushed to or polled; the header that
    authorises a push is never told again.
    """
    shown: dict[str, Any] = {
        "stream_id": stream.id,
        "iss": issuer,
        "aud": stream.audience,
        "events_supported": list(SUPPORTED),
        "events_delivered": list(stream.delivered),
        "delivery": {"method": PUSH if stream.method is Method.PUSH else POLL, "endpoint_url": endpoint},
        "min_verification_interval": to_seconds(VERIFY_EVERY),
    }
    if stream.requested is not None:
        shown["events_requested"] = list(stream.requested)
    return {**shown, "description": stream.description} if stream.description else shown
