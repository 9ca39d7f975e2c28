"""
What a decision is taken on.

Each fact is known, known to be none (`None`), or `UNKNOWN`: not gathered, or its look-up failed (R4).
"""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Facts:
    """One sign-in, as policies see it. The defaults are "unknown"."""

    user: UserId | Unknown = UNKNOWN
    groups: frozenset[GroupId] | Unknown = UNKNOWN
    """With the exception group in it exactly when an active exemption admits this sign-in."""
    application: AppId | Unknown = UNKNOWN
    """The client that asks."""
    resource: AppId | Unknown = UNKNOWN
    """The application that the tokens are for: what Graph's `applications` condition means."""
    client_type: str | Unknown = UNKNOWN
    """`browser` or `mobileAppsAndDesktopClients`."""
    transfer_method: str | None | Unknown = UNKNOWN
    """`deviceCodeFlow`, or None for a sign-in that was never transferred; stays through refresh."""
    amr: tuple[str, ...] | Unknown = UNKNOWN
    """What the person proved (RFC 8176)."""
