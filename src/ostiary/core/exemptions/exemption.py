"""
An exemption: opened for a reason, active between two instants, ended at once by a person.

INVARIANT: active at *now* is derived (`starts <= now < ends`, not ended); no job makes it so or undoes it. One that
waits for its first use is open to a sign-in until its start window closes; the first redemption starts its clock (R5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ostiary.core.exemptions.hours import Hours
from ostiary.core.words.ids import AppId, ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, after, between, hours, minutes

SHORTEST = minutes(5)
LONGEST = hours(4)
HARD_CAP = hours(24)
"""No rule, no extension and no approver makes an exemption longer, from its start to its end."""
LONGEST_LOCAL = hours(2)
"""Through the local door (R2)."""


class EndCause(StrEnum):
    """Why an exemption ended before its time."""

    ENDED = "ended"
    """By an administrator or an approver."""
    RELEASED = "released"
    """By its own person."""
    REPORTED = "reported"
    """By *I did not start this*."""
    DOUBTED = "doubted"
    """With the sign-in that it was asked for: a wrong number, or a second person at its code."""
    DISABLED = "disabled"
    """With its person's account."""
    RESTORED = "restored"
    """By a restore from backup: nothing issued before it counts."""
    KILLED = "killed"
    """By the kill switch; derived from its row, never written."""
    INELIGIBLE = "ineligible"
    """With the eligibility that it came from."""


Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Use:
    """A sign-in as the limits of an exemption see it. What is not known is outside of whatever is narrowed."""

    application: AppId
    address: str
    """Where the machine is; an unreadable address is outside any network."""
    resource: AppId | None = None
    scopes: frozenset[str] | None = None
    """Names of the resource's scopes; `offline_access` may be among them and is never narrowed."""
    device: str | None = None
    """Id of the registered device that the machine proved to be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an exemption is narrowed to; None means not narrowed."""

    application: AppId | None = None
    network: Network | None = None
    """Where the requester must be."""
    resource: AppId | None = None
    scopes: frozenset[str] | None = None
    """The most that may be asked of the resource."""
    device: str | None = None
    """The registered device that the requester must be."""
    sign_ins: int | None = None
    """How many sign-ins it is good for."""

    def admit(self, use: Use) -> bool:
        """Whether *use* is inside; how often it was used is the exemption's to know."""
        asked = None if use.scopes is None else use.scopes - NEVER_NARROWED
        return (
            self.application in (None, use.application)
            and (self.network is None or _inside(self.network, use.address))
            and self.resource in (None, use.resource)
            and (self.scopes is None or (asked is not None and asked <= self.scopes))
            and self.device in (None, use.device)
        )


NEVER_NARROWED = frozenset({"offline_access"})
"""Says how long one stays signed in, not what may be done."""


def _inside(network: Network, address: str) -> bool:
    try:
        place = ip_address(address)
    except ValueError:
        return False
    return place.version == network.version and place in network


def limits_document(limits: Limits) -> dict[str, Any]:
    """As it is stored and shown."""
    document: dict[str, Any] = {
        "applicationId": limits.application,
        "network": None if limits.network is None else str(limits.network),
        "resourceId": limits.resource,
        "scopes": None if limits.scopes is None else sorted(limits.scopes),
        "deviceId": limits.device,
        "signIns": limits.sign_ins,
    }
    return {name: value for name, value in document.items() if value is not None}


_KNOWN = ("applicationId", "network", "resourceId", "scopes", "deviceId", "signIns")


def limits_from(document: Mapping[str, Any]) -> Limits:
    """
    Read `limits_document`. Raises ValueError for an unknown key or a bad network: an exemption is never wider than
    was meant.
    """
    unknown = set(document) - set(_KNOWN)
    if unknown:
        raise ValueError(f"unknown limit: {min(unknown)}")
    application, network, resource, scopes, device, sign_ins = (document.get(name) for name in _KNOWN)
    return Limits(
        AppId(application) if application is not None else None,
        ip_network(network) if network is not None else None,
        AppId(resource) if resource is not None else None,
        frozenset(scopes) if scopes is not None else None,
        device,
        sign_ins,
    )


def cut(limits: Limits, further: Limits) -> Limits:
    """*limits* with what *further* narrows where *limits* leave it open; an approver may narrow, never widen."""
    return Limits(
        limits.application or further.application,
        limits.network or further.network,
        limits.resource or further.resource,
        limits.scopes if limits.scopes is not None else further.scopes,
        limits.device or further.device,
        limits.sign_ins if limits.sign_ins is not None else further.sign_ins,
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
    waits: Span | None = None
    """How long it will last once it is used first; until then `ends` is the end of its start window. None: it runs."""
    hours: Hours | None = None
    """When the week allows it to run; copied from the rules when it was opened."""
    latest: Instant | None = None
    """Nothing of it lasts longer, whenever it is begun: the end of the eligibility behind it."""
    used: int = 0
    """Sign-ins that it gave something to."""

    def active(self, now: Instant) -> bool:
        """Whether the window is open at *now*: it runs, or waits for its first use."""
        return self.starts <= now < self.ends and self.ended is None

    def takes(self, now: Instant) -> bool:
        """Whether one more sign-in may be given something at *now*."""
        room = self.limits.sign_ins is None or self.used < self.limits.sign_ins
        begins = self.waits is None or self.hours is None or self.hours.inside(now)
        return self.active(now) and room and begins

    def begun(self, now: Instant) -> "Exemption":
        """It as the first use at *now* leaves it: the clock runs. One that runs already is as it was."""
        if self.waits is None:
            return self
        return replace(self, starts=now, ends=bounded(now, self.waits, self.hours, self.latest), waits=None)

    def over(self) -> Instant:
        """When it ended or will."""
        return self.ends if self.ended is None else min(self.ends, self.ended)


def bad_length(length: Span, *, longest: Span = LONGEST) -> bool:
    """Whether *length* is not one that an exemption may have."""
    return not SHORTEST <= length <= longest


def bounded(starts: Instant, length: Span, allowed: Hours | None, latest: Instant | None) -> Instant:
    """When a window of *length* ends: never beyond the hard cap, the allowed hours or what stands behind it."""
    ends = after(starts, min(length, HARD_CAP))
    closing = allowed.until(starts) if allowed is not None else None
    return min(moment for moment in (ends, closing, latest) if moment is not None)


def stretched(exemption: Exemption, by: Span, *, latest: Instant | None) -> Instant:
    """When *exemption*, which runs, would end if *by* were added to its end; the cap counts from its start."""
    return bounded(exemption.starts, Span(between(exemption.starts, exemption.ends) + by), exemption.hours, latest)
