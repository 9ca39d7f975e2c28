"""
A channel: where notices go. Reads the address that somebody gives, and says how long a message is tried. Pure.

Only what stands in `SCHEMES` may be an address of Apprise: services that speak TLS to a host that the outgoing rule
(R24) judges like any other. Options that would weaken that are refused, and the sender forces them once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from ostiary.core.notices.kinds import Topic
from ostiary.core.words.destinations import LONGEST_URL, Place, place_of
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after, between, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "GIVE_UP", "MOST_OF_ONE", "MOST_OF_US", "MOST_WAITING", "PURPOSE", "SCHEMES", "Channel", "Form", "again",
    "place_in", "read_address",
]  # fmt: skip

PURPOSE = "notice-channels"  # of the seal of an address and its secret
MOST_OF_US = 20
"""Channels of the organisation."""
MOST_OF_ONE = 5
"""Channels of one person."""
MOST_WAITING = 1000
"""Messages that wait for one channel; what comes beyond is not written, and an alert says so."""
GIVE_UP = hours(24)
"""After so long a message is not tried any more."""
_STEPS = (seconds(5), seconds(30), minutes(2), minutes(10), hours(1))


class Form(StrEnum):
    """How it is spoken to."""

    WEBHOOK = "webhook"
    """Signed, over https."""
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class Channel:
    """One place, without its address."""

    id: str
    name: str
    form: Form
    user: UserId | None
    """Whose; None: the organisation's."""
    about: frozenset[Topic]
    """What the organisation's is narrowed to; empty: everything."""
    host: str
    """All of its address that is ever shown: a host, or the scheme of a service."""
    created: Instant
    sent: Instant | None = None
    """When a message last arrived."""
    failures: int = 0
    """In a row."""
    trouble: str = ""
    """What the last failure was, in a word."""

    def wants(self, topic: Topic) -> bool:
        """Whether it is told of *topic*."""
        return not self.about or topic in self.about


SCHEMES: Mapping[str, bool] = {
    "mailto": False, "mailtos": True, "ntfy": False, "ntfys": True, "gotify": False, "gotifys": True, "mmost": False,
    "mmosts": True, "json": False, "jsons": True, "slack": True, "workflow": True, "workflows": True, "discord": True,
    "tgram": True, "pover": True,
}  # fmt: skip
"""The schemes of Apprise that are let through, and whether they speak TLS; without it only to hosts listed for that."""
_FORBIDDEN = frozenset({"verify", "redirect", "cto", "rto", "retry", "wait", "attach", "pgp", "overflow", "template"})


def read_address(form: Form, text: str) -> str | Refused:
    """
    What is shown of the address *text*; refused (INVALID_VALUE) where it is none. Nothing of it is in the refusal: it
    may hold a password.
    """
    if form is Form.WEBHOOK:
        place = place_of(text)
        if place is None or "#" in text:
            return _no("A webhook's address is https://host/path, without a name and password.")
        return place.host if place.port in (443, 80) else f"{place.host}:{place.port}"
    scheme, found, rest = text.partition("://")
    if not found or scheme.lower() not in SCHEMES:
        return _no(f"An address begins with one of {', '.join(SCHEMES)}, and ://.")
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        return _no(f"An address has at most {LONGEST_URL} characters of ASCII, without spaces.")
    named = {name.lower().lstrip("+-:") for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)}
    if named & _FORBIDDEN:
        return _no(f"The option {min(named & _FORBIDDEN)} cannot be set here.")
    return _shown(scheme.lower(), rest)


def place_in(form: Form, address: str) -> Place | None:
    """
    Whom a right *address* names, as far as it tells: None for services with a host of their own, and for mail without a
    port, whose sender chooses it.
    """
    if form is Form.WEBHOOK:
        return place_of(address)
    scheme, _, rest = address.partition("://")
    named = rest.partition("?")[0].rpartition("@")[2].partition("/")[0]
    place = place_of(f"{'https' if SCHEMES[scheme.lower()] else 'http'}://{named}")
    told = place is not None and (not scheme.lower().startswith("mailto") or f":{place.port}" in named)
    return place if told else None


def _shown(scheme: str, rest: str) -> str:
    """The scheme, and the host of services that have one of their own; other hosts are fixed, or keys."""
    if scheme not in ("mailto", "mailtos", "gotify", "gotifys", "mmost", "mmosts", "json", "jsons"):
        return scheme
    try:
        host = urlsplit(f"//{rest}").hostname or ""
    except ValueError:
        host = ""
    return f"{scheme} {host}".strip()[:100]


def _no(text: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, text, field="address")


def again(tries: int, created: Instant, now: Instant) -> Instant | None:
    """When to try a message again that failed *tries* times, the last time at *now*; None: not any more."""
    if between(created, now) >= GIVE_UP:
        return None
    step = _STEPS[min(max(tries, 1), len(_STEPS)) - 1]
    return min(after(now, step), after(created, Span(GIVE_UP)))
