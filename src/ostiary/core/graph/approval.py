"""
The approval of a request as Graph's `approval` with its `approvalStage`s (`steps` in beta); its id is the request's.
"""

from dataclasses import dataclass

from ostiary.core.graph.exemption import BASE
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant

__all__ = ["APPROVAL", "DECIDING", "RESULTS", "Approval", "ShownStage"]

RESULTS = ("Approve", "Approved", "Deny", "Denied")
"""What a body may say; the documentation of Graph has both forms."""


@dataclass(frozen=True, slots=True)
class ShownStage:
    """One stage at one moment."""

    number: int
    status: str
    """InProgress, Initializing, Completed, Expired."""
    mine: bool
    needed: int
    given: int
    result: str = "NotReviewed"
    reason: str = ""
    by: str = ""
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """All stages of one request."""

    id: str
    stages: tuple[ShownStage, ...]


_STAGE: tuple[Field[ShownStage], ...] = (
    Field("id", Kind.ID, lambda s: str(s.number)),
    Field("assignedToMe", Kind.BOOL, lambda s: s.mine),
    Field("displayName", Kind.STRING, lambda s: f"Stage {s.number + 1}"),
    Field("status", Kind.ID, lambda s: s.status),
    Field("reviewResult", Kind.ID, lambda s: s.result),
    Field("justification", Kind.STRING, lambda s: s.reason or None),
    Field("reviewedBy", Kind.JSON, lambda s: {"displayName": s.by} if s.by else None),
    Field("reviewedDateTime", Kind.MOMENT, lambda s: s.at),
    Field(
        "ostiary",
        Kind.OBJECT,
        fields=(
            Field("approvalsNeeded", Kind.INTEGER, lambda s: s.needed),
            Field("approvals", Kind.INTEGER, lambda s: s.given),
        ),
    ),
)

APPROVAL: Shape[Approval] = Shape(
    f"{BASE}/assignmentApprovals",
    "microsoft.graph.approval",
    (
        Field("id", Kind.ID, lambda a: a.id),
        Field("stages", Kind.OBJECTS, lambda a: a.stages, fields=_STAGE),
        Field("steps", Kind.OBJECTS, lambda a: a.stages, fields=_STAGE, beta=True),
    ),
)

DECIDING: Shape[ShownStage] = Shape(
    f"{BASE}/assignmentApprovals/stages",
    "microsoft.graph.approvalStage",
    (
        *(field for field in _STAGE if field.name not in ("reviewResult", "justification", "ostiary")),
        Field("reviewResult", Kind.ID, lambda s: s.result, write="result", values=RESULTS),
        Field("justification", Kind.STRING, lambda s: s.reason or None, write="why", limit=512),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("duration", Kind.DURATION, write="duration", null=True, doc="Approve for less."),
                Field("approvalsNeeded", Kind.INTEGER, lambda s: s.needed),
            ),
        ),
    ),
)
