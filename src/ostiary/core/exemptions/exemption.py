"""
An exemption: opened for a reason, active between two instants, ended at once by a person.

INVARIANT: active at *now* is derived (`starts <= now < ends`, not ended); no job makes it so or undoes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ostiary.core.words.ids import AppId, ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, hours, minutes

SHORTEST = minutes(5)
LONGEST = hours(4)
LONGEST_LOCAL = hours(2)
"""Through the local door (R2)."""


class EndCause(StrEnum):
    """Why an exemption ended before its time."""

    ENDED = "ended"
    """By an administrator."""
    RELEASED = "released"
    """By its own person."""
    REPORTED = "reported"
    """By *I did not start this*."""
    DISABLED = "disabled"
    """With its person's account."""
    RESTORED = "restored"
    """By a restore from backup: nothing issued before it counts."""


Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """What an exemption is narrowed to; None means not narrowed."""

    application: AppId | None = None
    network: Network | None = None
    """Where the requester must be."""

    def admit(self, application: AppId, requester_address: str) -> bool:
        """
        Whether a sign-in of *application* asked for from *requester_address* is inside; an unreadable address is
        outside any network.
        """
        if self.application is not None and self.application != application:
            return False
        return self.network is None or _inside(self.network, requester_address)


def _inside(network: Network, address: str) -> bool:
    try:
        place = ip_address(address)
    except ValueError:
        return False
    return place.version == network.version and place in network


def limits_document(limits: Limits) -> dict[str, str]:
    """As it is stored and shown."""
    document: dict[str, str] = {}
    if limits.application is not None:
        document["applicationId"] = limits.application
    if limits.network is not None:
        document["network"] = str(limits.network)
    return document


def limits_from(document: Mapping[str, Any]) -> Limits:
    """
    Read `limits_document`. Raises ValueError for an unknown key or a bad network: an exemption is never wider than
    was meant.
    """
    unknown = set(document) - {"applicationId", "network"}
    if unknown:
        raise ValueError(f"unknown limit: {min(unknown)}")
    application, network = document.get("applicationId"), document.get("network")
    return Limits(
        AppId(application) if application is not None else None, ip_network(network) if network is not None else None
    )


@dataclass(frozen=True, slots=True)
class Exemption:
    """One window."""

    id: ExemptionId
    user: UserId
    group: GroupId
    reason: str
    starts: Instant
    ends: Instant
    opened: Instant
    opened_by: str
    limits: Limits = field(default_factory=Limits)
    break_glass: bool = False
    ended: Instant | None = None
    end_cause: EndCause | None = None
    ended_by: str | None = None

    def active(self, now: Instant) -> bool:
        """Whether the window is open at *now*."""
        return self.starts <= now < self.ends and self.ended is None

    def over(self) -> Instant:
        """When it ended or will."""
        return self.ends if self.ended is None else min(self.ends, self.ended)


def bad_length(length: Span, *, longest: Span = LONGEST) -> bool:
    """Whether *length* is not one that an exemption may have."""
    return not SHORTEST <= length <= longest
