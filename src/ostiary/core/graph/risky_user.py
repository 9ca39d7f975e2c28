"""
A person as Graph's `riskyUser` (https://learn.microsoft.com/graph/api/resources/riskyuser): those alone whom a finding
makes risky now. Others are not in the list, where Graph keeps them with the level `none`.
"""

from dataclasses import dataclass

from ostiary.core.detections.risk import level
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant

__all__ = ["RISKY_USER", "RiskyUser"]


@dataclass(frozen=True, slots=True)
class RiskyUser:
    """Somebody about whom something was found that counts."""

    id: str
    rank: int
    changed: Instant
    confirmed: bool
    name: str = ""
    display_name: str = ""
    version: str = ""
    """What stands for all that makes them risky now; empty in a list."""


RISKY_USER: Shape[RiskyUser] = Shape(
    "identityProtection/riskyUsers",
    "microsoft.graph.riskyUser",
    (
        Field("id", Kind.ID, lambda u: u.id),
        Field("userPrincipalName", Kind.STRING, lambda u: u.name or None),
        Field("userDisplayName", Kind.STRING, lambda u: u.display_name or None),
        Field("isDeleted", Kind.BOOL, lambda u: not u.name),
        Field("isProcessing", Kind.BOOL, lambda u: False),
        Field("riskLevel", Kind.ID, lambda u: level(u.rank), doc="low, medium or high."),
        Field("riskState", Kind.ID, lambda u: "confirmedCompromised" if u.confirmed else "atRisk"),
        Field("riskDetail", Kind.ID, lambda u: "adminConfirmedUserCompromised" if u.confirmed else "none"),
        Field("riskLastUpdatedDateTime", Kind.MOMENT, lambda u: u.changed),
    ),
)
