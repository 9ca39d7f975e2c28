"""
A drill as a resource of our own in Graph's shape: Graph's attack simulations are mails, these are codes.
"""

from dataclasses import dataclass
from typing import Any

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.signins.drill import Drill, Status

__all__ = ["DRILL", "WISH", "ShownDrill"]


@dataclass(frozen=True, slots=True)
class ShownDrill:
    """A drill as administrators see it."""

    drill: Drill
    user_name: str
    status: Status


DRILL: Shape[ShownDrill] = Shape(
    "ostiary/drills",
    "ostiary.drill",
    (
        Field("id", Kind.ID, lambda d: d.drill.id, column="id"),
        Field("userId", Kind.ID, lambda d: d.drill.user, column="user"),
        Field("userPrincipalName", Kind.STRING, lambda d: d.user_name, column="user_name", stored=str.lower),
        Field(
            "status", Kind.ID, lambda d: d.status.value,
            doc="sent, notOpened (nobody typed the code in time), typed, denied, reported or approved.",
        ),
        Field("decision", Kind.ID, lambda d: d.drill.decision and d.drill.decision.value, column="decision"),
        Field("createdDateTime", Kind.MOMENT, lambda d: d.drill.created, column="created", sortable=True),
        Field("endDateTime", Kind.MOMENT, lambda d: d.drill.ends, column="ends", sortable=True),
        Field("typedDateTime", Kind.MOMENT, lambda d: d.drill.typed),
        Field("decidedDateTime", Kind.MOMENT, lambda d: d.drill.decided),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("appId", Kind.ID, lambda d: d.drill.client, doc="The application that seems to ask."),
                Field("address", Kind.ID, lambda d: d.drill.address, doc="Where its machine is said to be."),
                Field("machine", Kind.STRING, lambda d: d.drill.declared.machine),
                Field("pretext", Kind.STRING, lambda d: d.drill.declared.reason),
                Field("reason", Kind.STRING, lambda d: d.drill.why, doc="Why, in the words of whoever sent it."),
                Field("sentBy", Kind.ID, lambda d: d.drill.by),
            ),
            doc="What only this service knows.",
        ),
    ),
)  # fmt: skip

WISH: tuple[Field[Any], ...] = (
    Field("userId", Kind.ID, write="user", limit=320, doc="A person: id or principal name."),
    Field("groupId", Kind.ID, write="group", limit=36, doc="Or each standing member of a group."),
    Field("appId", Kind.ID, write="application", limit=36, doc="The application that seems to ask."),
    Field("lifetime", Kind.DURATION, write="lasts", doc="PT5M to P7D; a day when left out."),
    Field("address", Kind.ID, write="address", limit=45, doc="Where the machine is said to be."),
    Field("machine", Kind.STRING, write="machine", limit=64, doc="What it calls itself."),
    Field("pretext", Kind.STRING, write="pretext", limit=200, doc="What it says that the sign-in is for."),
    Field("reason", Kind.STRING, write="reason", required=True, limit=512, doc="Why; kept in the audit log."),
)
