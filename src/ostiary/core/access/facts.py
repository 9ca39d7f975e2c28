"""
What a decision is taken on.

Each fact is known, known to be none (`None`), or `UNKNOWN`: not gathered, or its look-up failed (R4). Two sides are
told apart: the *person* (who signs in, at the place and in the browser where that was approved) and the *requester*
(the machine that gets the tokens; RFC 10027 calls it the consumption device). Graph's own conditions speak of the
person's side, ours of the requester's.

`core/access/remembered.py` writes facts down as JSON and reads them back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ostiary.core.words.ids import AppId, GroupId, UserId


class Unknown(Enum):
    """The one value of "nobody knows"."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


class Treat(Enum):
    """What an unknown fact does (R4)."""

    STRICT = "strict"
    """All enforcement: every include condition matches, every exclude condition does not, no control is satisfied."""
    LATER = "later"
    """Start only (R1): a policy that turns on an unknown fact is left for the decision at the claim."""
    ENTRA = "entra"
    """What-If and `verify` on an Entra tenant: Microsoft's rule where it has one, else "cannot be judged"."""


TRUSTED = "AllTrusted"
"""Among `Place.named` when one of the locations is marked as trusted; Graph's own word."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is. The defaults are "unknown"."""

    address: str | Unknown = UNKNOWN
    """Canonical text."""
    country: str | None | Unknown = UNKNOWN
    """ISO 3166-1, two capitals."""
    network: int | None | Unknown = UNKNOWN
    """Autonomous system number."""
    coordinates: tuple[int, int] | None | Unknown = UNKNOWN
    """Latitude and longitude in 1/10,000 degree: whole numbers can be written down in one way only (R15)."""
    named: frozenset[str] | Unknown = UNKNOWN
    """Ids of the named locations that it is in for certain, and `TRUSTED`."""
    unsure: frozenset[str] = frozenset()
    """Ids of those of which nobody knows (and `TRUSTED`), because country or network is unknown."""


NOWHERE = Place()

Attribute = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A registered device. One that is not registered is `None`."""

    id: str
    compliant: bool = False
    managed: bool = False
    key_bound: bool = False
    """It proved a key that was enrolled with it, in this very sign-in."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)
    """Entra's `device.*` attributes beside `deviceId` and `isCompliant`, by their names; absent means null."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One sign-in, as policies see it. The defaults are "unknown"."""

    user: UserId | None | Unknown = UNKNOWN
    """None: a workload asks, and there is no person."""
    groups: frozenset[GroupId] | Unknown = UNKNOWN
    """With the exception group in it exactly when an active exemption admits this sign-in."""
    roles: frozenset[str] | Unknown = UNKNOWN
    application: AppId | Unknown = UNKNOWN
    """The client that asks."""
    resource: AppId | Unknown = UNKNOWN
    """The application that the tokens are for: what Graph's `applications` condition means."""
    scopes: frozenset[str] | Unknown = UNKNOWN
    """Names of the resource's scopes, and `offline_access`."""
    client_type: str | Unknown = UNKNOWN
    """`browser`, `mobileAppsAndDesktopClients`, or `workload`."""
    transfer_method: str | None | Unknown = UNKNOWN
    """`deviceCodeFlow`, or None for a sign-in that was never transferred; stays through refresh."""
    amr: tuple[str, ...] | Unknown = UNKNOWN
    """What the person proved (RFC 8176)."""
    proof_age: int | Unknown = UNKNOWN
    """Seconds since the person proved it, at the decision; at a refresh, now."""
    platform: str | Unknown = UNKNOWN
    """Of the person's browser, as it says itself: weak, anybody can say anything."""
    sign_in_risk: str | Unknown = UNKNOWN
    user_risk: str | Unknown = UNKNOWN
    person: Place = NOWHERE
    requester: Place = NOWHERE
    person_device: DeviceFacts | None | Unknown = UNKNOWN
    requester_device: DeviceFacts | None | Unknown = UNKNOWN
    number_confirmed: bool | None | Unknown = UNKNOWN
    """Not yet is False; None: this requester cannot take a number, so that none will be confirmed."""
    start_ticket: bool | Unknown = UNKNOWN
    service_principal: str | None | Unknown = UNKNOWN
    """Object id of the application whose workload asks; None where a person signs in."""
    reference_bound: bool | None | Unknown = UNKNOWN
    """Whether the person typed the request's reference (M17); None: it brought none, so that none can be typed."""
    machine_bound: bool | None | Unknown = UNKNOWN
    """The same of the machine's name."""
