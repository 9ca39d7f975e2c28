"""
An eligibility in the words of PIM for Groups: a request that gave it, a schedule and an instance, all under its id.
"""

from dataclasses import dataclass

from ostiary.core.exemptions.eligibility import Eligibility, unused
from ostiary.core.graph.exemption import BASE, schedule_id
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant, Span, between

__all__ = ["ELIGIBLE_INSTANCE", "ELIGIBLE_REQUEST", "ELIGIBLE_SCHEDULE", "Shown"]

ACTIONS = ("adminAssign", "adminUpdate", "adminExtend", "adminRenew", "adminRemove")
EXPIRES = ("notSpecified", "noExpiration", "afterDateTime", "afterDuration")


@dataclass(frozen=True, slots=True)
class Shown:
    """An eligibility as it is shown at one moment."""

    eligibility: Eligibility
    principal_name: str
    display_name: str
    used: Instant | None
    now: Instant
    action: str = "adminAssign"

    @property
    def schedule(self) -> str:
        """Graph's id of the schedule."""
        return schedule_id(self.eligibility.group, self.eligibility.id)

    @property
    def status(self) -> str:
        """Graph's word for what became of it."""
        each = self.eligibility
        if each.stands(self.now):
            return "Provisioned"
        over = each.ended is not None or (each.ends is not None and each.ends <= self.now)
        return "Revoked" if over else "ScheduleCreated"

    @property
    def length(self) -> Span | None:
        """How long it is for; None: for good."""
        each = self.eligibility
        return None if each.ends is None else between(each.starts, each.ends)


_PRINCIPAL: tuple[Field[Shown], ...] = (
    Field("id", Kind.ID, lambda e: e.eligibility.user),
    Field("displayName", Kind.STRING, lambda e: e.display_name),
    Field("userPrincipalName", Kind.STRING, lambda e: e.principal_name),
)
_EXPIRATION: tuple[Field[Shown], ...] = (
    Field(
        "type", Kind.ID, lambda e: "noExpiration" if e.eligibility.ends is None else "afterDateTime", write="expires",
        values=EXPIRES,
    ),
    Field("duration", Kind.DURATION, lambda e: e.length, write="duration", null=True),
    Field("endDateTime", Kind.MOMENT, lambda e: e.eligibility.ends, write="end", null=True),
)  # fmt: skip
_INFO: Field[Shown] = Field(
    "scheduleInfo",
    Kind.OBJECT,
    fields=(
        Field("startDateTime", Kind.MOMENT, lambda e: e.eligibility.starts, write="starts", null=True),
        Field("expiration", Kind.OBJECT, fields=_EXPIRATION),
    ),
)
_WHOM: tuple[Field[Shown], ...] = (
    Field("accessId", Kind.ID, lambda e: "member", write="access", values=("member",)),
    Field("principalId", Kind.ID, lambda e: e.eligibility.user, write="principal", limit=320, column="user"),
    Field("groupId", Kind.ID, lambda e: e.eligibility.group, write="group", column="group"),
)
_WHO: Field[Shown] = Field("principal", Kind.OBJECT, lambda e: e, fields=_PRINCIPAL)
_OURS: Field[Shown] = Field(
    "ostiary",
    Kind.OBJECT,
    fields=(
        Field("reason", Kind.STRING, lambda e: e.eligibility.reason, doc="Why it was given."),
        Field("createdBy", Kind.ID, lambda e: e.eligibility.created_by),
        Field("lastUsedDateTime", Kind.MOMENT, lambda e: e.used, doc="When an exemption of this person was used last."),
        Field(
            "unused", Kind.BOOL, lambda e: unused(e.eligibility, e.used, e.now), column="unused",
            doc="Not made use of for ninety days.",
        ),
        Field("endedDateTime", Kind.MOMENT, lambda e: e.eligibility.ended),
        Field("endedBy", Kind.ID, lambda e: e.eligibility.ended_by),
        Field("endCause", Kind.ID, lambda e: e.eligibility.loss and e.eligibility.loss.value),
    ),
    doc="What only this service knows.",
)  # fmt: skip

ELIGIBLE_REQUEST: Shape[Shown] = Shape(
    f"{BASE}/eligibilityScheduleRequests",
    "microsoft.graph.privilegedAccessGroupEligibilityScheduleRequest",
    (
        Field("id", Kind.ID, lambda e: e.eligibility.id),
        Field("status", Kind.ID, lambda e: e.status),
        Field("action", Kind.ID, lambda e: e.action, write="action", required=True, values=ACTIONS),
        *_WHOM,
        Field("justification", Kind.STRING, lambda e: e.eligibility.reason, write="justification", limit=512),
        Field("createdDateTime", Kind.MOMENT, lambda e: e.eligibility.created),
        Field("completedDateTime", Kind.MOMENT, lambda e: e.eligibility.created),
        Field("approvalId", Kind.ID, lambda e: None),
        Field("targetScheduleId", Kind.ID, lambda e: e.schedule, write="schedule", null=True),
        _INFO,
        _WHO,
        _OURS,
    ),
)

ELIGIBLE_SCHEDULE: Shape[Shown] = Shape(
    f"{BASE}/eligibilitySchedules",
    "microsoft.graph.privilegedAccessGroupEligibilitySchedule",
    (
        Field("id", Kind.ID, lambda e: e.schedule),
        *_WHOM,
        Field("memberType", Kind.ID, lambda e: "direct"),
        Field("status", Kind.ID, lambda e: e.status),
        Field("createdDateTime", Kind.MOMENT, lambda e: e.eligibility.created),
        Field("createdUsing", Kind.ID, lambda e: e.eligibility.id),
        _INFO,
        _WHO,
        _OURS,
    ),
)

ELIGIBLE_INSTANCE: Shape[Shown] = Shape(
    f"{BASE}/eligibilityScheduleInstances",
    "microsoft.graph.privilegedAccessGroupEligibilityScheduleInstance",
    (
        Field("id", Kind.ID, lambda e: e.eligibility.id),
        *_WHOM,
        Field("memberType", Kind.ID, lambda e: "direct"),
        Field("eligibilityScheduleId", Kind.ID, lambda e: e.schedule),
        Field("startDateTime", Kind.MOMENT, lambda e: e.eligibility.starts),
        Field("endDateTime", Kind.MOMENT, lambda e: e.eligibility.ends),
        _WHO,
        _OURS,
    ),
)
