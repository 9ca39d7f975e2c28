"""
One device and its life: pending → admitted → lapsed or revoked.

INVARIANT: where it stands is derived at *now* from instants that are kept; no job makes it so. Only an admitted device
counts for anything: one that is pending, lapsed or revoked is, to policy, not registered at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, hours

__all__ = [
    "LIFETIME", "LONGEST", "MOST_PENDING", "MOST_PENDING_OF_PERSON", "MOST_PENDING_OF_SOURCE", "PENDING_FOR", "SEEN",
    "Device", "Property", "State", "room_for_pending",
]  # fmt: skip

PENDING_FOR = days(7)
"""Nobody admitted it for so long: the request is over, the key is free again."""
LIFETIME = days(90)
"""How long an admission lasts when nothing is said."""
LONGEST = days(366)
"""At most; an admission without an end is none."""
SEEN = hours(1)
"""`seen` is written at most so often."""

MOST_PENDING = 1_000
"""Requests that wait, in all; half is kept for those that brought a ticket (R21)."""
MOST_PENDING_OF_PERSON = 3
MOST_PENDING_OF_SOURCE = 5
"""Of one IPv4 address or IPv6 /64."""

Property = str | tuple[str, ...]


class State(StrEnum):
    """Where a device stands."""

    PENDING = "pending"
    ADMITTED = "admitted"
    LAPSED = "lapsed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Device:
    """One device as it is kept."""

    id: DeviceId
    name: str
    owner: UserId | None = None
    jkt: str | None = None
    """Thumbprint (RFC 7638) of the key that it enrolled with."""
    certificate: str | None = None
    """SHA-256 thumbprint (`x5t#S256`, RFC 8705 §3.1) of its client certificate."""
    managed: bool = False
    compliant: bool = False
    compliance_ends: Instant | None = None
    """From then on it counts as not compliant; None: until somebody says so."""
    properties: Mapping[str, Property] = field(default_factory=dict)
    """The other attributes that Entra's device filters ask for, by their names there."""
    registered: Instant = Instant(0)
    asked_from: str = ""
    """Address of the request."""
    admitted: Instant | None = None
    admitted_by: str = ""
    """An actor, or `rule`."""
    expires: Instant | None = None
    seen: Instant | None = None
    """Last sign-in, at most `SEEN` old."""
    revoked: Instant | None = None
    revoked_by: str = ""
    revision: int = 0
    """Raised by every change: what policy judged before it is judged again."""

    def standing(self, now: Instant) -> State:
        """Where it stands at *now*."""
        if self.revoked is not None:
            return State.REVOKED
        if self.admitted is None:
            return State.PENDING if now < after(self.registered, PENDING_FOR) else State.LAPSED
        return State.ADMITTED if self.expires is not None and now < self.expires else State.LAPSED

    def counts(self, now: Instant) -> bool:
        """Whether it is a registered device to anybody who asks at *now*."""
        return self.standing(now) is State.ADMITTED

    def complies(self, now: Instant) -> bool:
        """Whether it is compliant at *now*; a word that is too old counts for nothing."""
        return self.compliant and (self.compliance_ends is None or now < self.compliance_ends)

    def to_be_seen(self, now: Instant) -> bool:
        """Whether a use at *now* is worth a write."""
        return self.seen is None or now >= after(self.seen, Span(SEEN))


def room_for_pending(*, person: int, source: int, whole: int, proved: bool) -> bool:
    """Whether one more request may wait, given how many do; *proved*: it brought its person's ticket."""
    share = 1 if proved else 2
    return person < MOST_PENDING_OF_PERSON and source < MOST_PENDING_OF_SOURCE and whole < MOST_PENDING // share
