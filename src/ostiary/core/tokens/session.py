"""
A session: what a sign-in gave. Cookies, refresh and access tokens are only keys to it.

Liveness is derived, never cascaded: `alive` looks at the session, its person, its client, its exemption and the machine
that it is on as they are now, and nothing else decides (R8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ostiary.core.devices.device import Device
from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User, stands
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId, DeviceId, ExemptionId, SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.proof import Bound


class SessionKind(StrEnum):
    """What sort of key opens it."""

    BROWSER = "browser"
    DEVICE = "device"
    CODE = "code"
    WORKLOAD = "workload"


class Grace(NamedTuple):
    """A refresh token's number that stopped being the head at `left` (R6)."""

    number: int
    left: Instant


@dataclass(frozen=True, slots=True)
class Session:
    """One session, which is also one family of refresh tokens (R6)."""

    id: SessionId
    kind: SessionKind
    origin: Origin
    user: UserId
    """Whose it is; of a workload, which has no person, the object id of its application."""
    client: AppId | None
    story: str
    created: Instant
    idle_ends: Instant
    ends: Instant
    authenticated: Instant
    amr: tuple[str, ...]
    resource: AppId | None = None
    scopes: tuple[str, ...] = ()
    reach: Mapping[AppId, tuple[str, ...]] = field(default_factory=dict)
    """Other resources that a refresh may name, with the scopes fixed at redemption; it only shrinks (R7)."""
    exemption: ExemptionId | None = None
    head: int = 0
    """Number of the one live refresh token."""
    grace: tuple[Grace, ...] = ()
    requester_address: str = ""
    approved_from: str = ""
    """The person's side as it was at the approval, for policy at a refresh; JSON of `services/access/gather.py`."""
    jkt: str | None = None
    """Thumbprint of the key that its tokens are bound to (RFC 9449 §6)."""
    x5t: str | None = None
    """Of the certificate that they are bound to instead (RFC 8705 §3)."""
    device: DeviceId | None = None
    """The machine of the inventory that it is on: it ends with that."""
    device_revision: int | None = None
    """What of the machine policy looked at last."""
    trust: str | None = None
    """Which trust of its application gave it to a workload."""
    ended: Instant | None = None
    end_cause: str | None = None
    device_now: Device | None = None
    """The machine as it is now; None also for one that is not there any more."""

    @property
    def bound(self) -> Bound:
        """The key that it belongs to."""
        return Bound(self.jkt, self.x5t)


def on_its_device(session: Session, now: Instant) -> bool:
    """Whether the machine that *session* is on, if any, still counts, and has the certificate still that proved it."""
    device = session.device_now
    if session.device is None or device is None:
        return session.device is None
    return device.counts(now) and session.x5t in (None, device.certificate)


def to_be_judged(session: Session, now: Instant) -> bool:
    """Whether the machine may be another to policy than it was when that was asked last."""
    device = session.device_now
    if device is None:
        return False
    return device.revision != session.device_revision or (device.compliant and not device.complies(now))


def standing(session: Session, user: User | None, client: Application | None, now: Instant) -> bool:
    """Whether session, person (or what a workload stands on) and client are alive, the exemption aside."""
    return (
        session.ended is None
        and now < session.ends
        and now < session.idle_ends
        and (_trusted(session, client) if session.origin is Origin.WORKLOAD else _welcome(session, user, now))
        and (session.client is None or (client is not None and client.enabled))
        and on_its_device(session, now)
    )


def _welcome(session: Session, user: User | None, now: Instant) -> bool:
    return user is not None and stands(user, began=session.created, amr=session.amr, now=now)


def _trusted(session: Session, client: Application | None) -> bool:
    """Whether the trust behind a workload's session is there, and as it was when it gave the session."""
    if client is None or client.object_id != session.user:
        return False
    return any(trust.id == session.trust and trust.changed <= session.created for trust in client.trusts)


def alive(
    session: Session, *, user: User | None, client: Application | None, exemption: Exemption | None, now: Instant
) -> bool:
    """Whether *session* gives anything at *now*; what began with a device code needs its exemption too (R8)."""
    if not standing(session, user, client, now):
        return False
    if session.origin is not Origin.DEVICE_CODE:
        return True
    return exemption is not None and exemption.id == session.exemption and exemption.active(now)
