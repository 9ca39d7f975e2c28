"""
An access review as Graph's `accessReviewScheduleDefinition` with its one instance, and its answers as
`accessReviewInstanceDecisionItem`s.
"""

from dataclasses import dataclass
from typing import Protocol

from ostiary.core.exemptions.access_review import Answer, Item, Review
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, between, days

__all__ = ["BASE", "DECISION", "DEFINITION", "INSTANCE", "ShownReview"]

BASE = "identityGovernance/accessReviews/definitions"


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review at one moment."""

    review: Review
    now: Instant

    @property
    def status(self) -> str:
        """Graph's word."""
        return "InProgress" if self.review.open(self.now) else "Completed"


class Asked(Protocol):
    """What of a question is shown."""

    @property
    def item(self) -> Item:
        """The question and its answer."""

    @property
    def user(self) -> UserId:
        """Whom it is about."""

    @property
    def principal_name(self) -> str:
        """Their name."""

    @property
    def display_name(self) -> str:
        """As it is shown."""


_SETTINGS: tuple[Field[ShownReview], ...] = (
    Field(
        "instanceDurationInDays", Kind.INTEGER, lambda r: between(r.review.created, r.review.ends) // days(1),
        write="days",
    ),
    Field("autoApplyDecisionsEnabled", Kind.BOOL, lambda r: True, doc="A denial takes effect at once."),
    Field("justificationRequiredOnApproval", Kind.BOOL, lambda r: True),
    Field("recommendationsEnabled", Kind.BOOL, lambda r: True),
    Field("defaultDecision", Kind.ID, lambda r: "None", doc="What nobody answers stays as it is."),
)  # fmt: skip

DEFINITION: Shape[ShownReview] = Shape(
    BASE,
    "microsoft.graph.accessReviewScheduleDefinition",
    (
        Field("id", Kind.ID, lambda r: r.review.id),
        Field("displayName", Kind.STRING, lambda r: r.review.name, write="name", required=True),
        Field("descriptionForAdmins", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
        Field("status", Kind.ID, lambda r: r.status),
        Field("createdDateTime", Kind.MOMENT, lambda r: r.review.created),
        Field("createdBy", Kind.JSON, lambda r: {"id": r.review.created_by.partition(":")[2]}),
        Field("scope", Kind.JSON, lambda r: {"query": f"/groups/{r.review.group}", "queryType": "MicrosoftGraph"}),
        Field("settings", Kind.OBJECT, fields=_SETTINGS),
    ),
)

INSTANCE: Shape[ShownReview] = Shape(
    f"{BASE}/instances",
    "microsoft.graph.accessReviewInstance",
    (
        Field("id", Kind.ID, lambda r: r.review.id),
        Field("startDateTime", Kind.MOMENT, lambda r: r.review.created),
        Field("endDateTime", Kind.MOMENT, lambda r: r.review.stopped or r.review.ends),
        Field("status", Kind.ID, lambda r: r.status),
    ),
)

_PRINCIPAL: tuple[Field[Asked], ...] = (
    Field("id", Kind.ID, lambda a: a.user),
    Field("displayName", Kind.STRING, lambda a: a.display_name),
    Field("userPrincipalName", Kind.STRING, lambda a: a.principal_name),
)

DECISION: Shape[Asked] = Shape(
    f"{BASE}/decisions",
    "microsoft.graph.accessReviewInstanceDecisionItem",
    (
        Field("id", Kind.ID, lambda a: a.item.id),
        Field("accessReviewId", Kind.ID, lambda a: a.item.review),
        Field("decision", Kind.ID, lambda a: a.item.decision.value, write="decision", values=tuple(Answer)),
        Field("justification", Kind.STRING, lambda a: a.item.reason or None, write="why", limit=512),
        Field("recommendation", Kind.ID, lambda a: a.item.evidence.recommendation.value),
        Field("reviewedBy", Kind.JSON, lambda a: {"id": a.item.by.partition(":")[2]} if a.item.by else None),
        Field("reviewedDateTime", Kind.MOMENT, lambda a: a.item.at),
        Field("appliedDateTime", Kind.MOMENT, lambda a: a.item.at),
        Field("principal", Kind.OBJECT, lambda a: a, fields=_PRINCIPAL),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("eligibilityId", Kind.ID, lambda a: a.item.eligibility),
                Field("eligibleSince", Kind.MOMENT, lambda a: a.item.evidence.since),
                Field("lastUsedDateTime", Kind.MOMENT, lambda a: a.item.evidence.used),
                Field("unused", Kind.BOOL, lambda a: a.item.evidence.unused, doc="Not made use of for ninety days."),
            ),
            doc="The evidence, as it was when the review began.",
        ),
    ),
)
