"""
An exemption in the words of PIM for Groups: a time-bound assignment to the exception group.

One exemption shows as a request (how it came to be: `exemption_request.py`), a schedule and an instance (what stands
now), all under its id. What narrows it stands under the open property `ostiary`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ostiary.core.exemptions.exemption import Exemption, limits_document
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.ids import ExemptionId, GroupId
from ostiary.core.words.instants import Instant, Span, between

BASE = "identityGovernance/privilegedAccess/group"

LIMITS = (
    ("applicationId", Kind.ID, "application", "The only application that it is for."),
    ("network", Kind.ID, "network", "Where the requester must be, in CIDR notation."),
    ("resourceId", Kind.ID, "resource", "The only resource."),
    ("scopes", Kind.STRINGS, "scopes", "The most that may be asked of the resource."),
    ("deviceId", Kind.ID, "device", "The registered device that the requester must be."),
    ("signIns", Kind.INTEGER, "sign_ins", "How many sign-ins it is good for."),
)
"""What narrows one: name, kind, the name that a body is read by, and what it says."""


def schedule_id(group: GroupId, id: ExemptionId) -> str:
    """Graph's id of a schedule."""
    return f"{group}_member_{id}"


def id_in(schedule: str) -> ExemptionId:
    """The id in that of a schedule; one that stands by itself is taken as it is."""
    return ExemptionId(schedule.rpartition("_")[2])


@dataclass(frozen=True, slots=True)
class Assignment:
    """An exemption as it is shown at one moment."""

    exemption: Exemption
    principal_name: str
    display_name: str
    now: Instant
    how: str = "assigned"
    """Graph's `assignmentType`: by an administrator, or `activated` by asking."""

    @property
    def schedule(self) -> str:
        """Graph's id of the schedule."""
        return schedule_id(self.exemption.group, self.exemption.id)

    @property
    def state(self) -> str:
        """active, ahead or over."""
        if self.exemption.active(self.now):
            return "active"
        return "over" if self.exemption.over() <= self.now else "ahead"

    @property
    def status(self) -> str:
        """Graph's word for what became of the request."""
        if self.exemption.ended is not None or self.state == "over":
            return "Revoked"
        return "Provisioned" if self.state == "active" else "ScheduleCreated"

    @property
    def length(self) -> Span:
        """How long it lasts, or will once it is used."""
        waits = self.exemption.waits
        return waits if waits is not None else between(self.exemption.starts, self.exemption.ends)


# ---- fields

_PRINCIPAL: tuple[Field[Assignment], ...] = (
    Field("id", Kind.ID, lambda a: a.exemption.user),
    Field("displayName", Kind.STRING, lambda a: a.display_name),
    Field("userPrincipalName", Kind.STRING, lambda a: a.principal_name),
)

_EXPIRATION: tuple[Field[Assignment], ...] = (
    Field("type", Kind.ID, lambda a: "afterDuration"),
    Field("duration", Kind.DURATION, lambda a: a.length),
    Field("endDateTime", Kind.MOMENT, lambda a: a.exemption.ends),
)

_SCHEDULE_INFO: tuple[Field[Assignment], ...] = (
    Field("startDateTime", Kind.MOMENT, lambda a: a.exemption.starts),
    Field("expiration", Kind.OBJECT, fields=_EXPIRATION),
)


def _limit(name: str) -> Callable[[Assignment], Any]:
    return lambda a: limits_document(a.exemption.limits).get(name)


_LIMITED: tuple[Field[Assignment], ...] = (
    *(
        Field(name, kind, _limit(name), doc=doc)
        for name, kind, _, doc in LIMITS
    ),
    Field("used", Kind.INTEGER, lambda a: a.exemption.used, doc="Sign-ins that it gave something to."),
    Field("waits", Kind.BOOL, lambda a: a.exemption.waits is not None, doc="Its clock starts at the first sign-in."),
    Field("breakGlass", Kind.BOOL, lambda a: a.exemption.break_glass, doc="Opened in an emergency."),
    Field("state", Kind.ID, lambda a: a.state, column="state", doc="active, ahead, over."),
    Field("reason", Kind.STRING, lambda a: a.exemption.reason, doc="Why it was opened."),
    Field("openedBy", Kind.ID, lambda a: a.exemption.opened_by),
    Field("endedDateTime", Kind.MOMENT, lambda a: a.exemption.ended, doc="When somebody ended it before its time."),
    Field("endedBy", Kind.ID, lambda a: a.exemption.ended_by),
    Field("endCause", Kind.ID, lambda a: a.exemption.end_cause and a.exemption.end_cause.value),
)  # fmt: skip

_WHOM: tuple[Field[Assignment], ...] = (
    Field("accessId", Kind.ID, lambda a: "member"),
    Field("principalId", Kind.ID, lambda a: a.exemption.user, column="user"),
    Field("groupId", Kind.ID, lambda a: a.exemption.group, column="group"),
)

_OURS: Field[Assignment] = Field("ostiary", Kind.OBJECT, fields=_LIMITED, doc="What only this service knows.")
_WHO: Field[Assignment] = Field("principal", Kind.OBJECT, lambda a: a, fields=_PRINCIPAL)

SCHEDULE: Shape[Assignment] = Shape(
    f"{BASE}/assignmentSchedules",
    "microsoft.graph.privilegedAccessGroupAssignmentSchedule",
    (
        Field("id", Kind.ID, lambda a: a.schedule),
        *_WHOM,
        Field("assignmentType", Kind.ID, lambda a: a.how),
        Field("memberType", Kind.ID, lambda a: "direct"),
        Field("status", Kind.ID, lambda a: a.status),
        Field("createdDateTime", Kind.MOMENT, lambda a: a.exemption.opened),
        Field("createdUsing", Kind.ID, lambda a: a.exemption.id),
        Field("scheduleInfo", Kind.OBJECT, fields=_SCHEDULE_INFO),
        _WHO,
        _OURS,
    ),
)

INSTANCE: Shape[Assignment] = Shape(
    f"{BASE}/assignmentScheduleInstances",
    "microsoft.graph.privilegedAccessGroupAssignmentScheduleInstance",
    (
        Field("id", Kind.ID, lambda a: a.exemption.id),
        *_WHOM,
        Field("assignmentType", Kind.ID, lambda a: a.how),
        Field("memberType", Kind.ID, lambda a: "direct"),
        Field("assignmentScheduleId", Kind.ID, lambda a: a.schedule),
        Field("startDateTime", Kind.MOMENT, lambda a: a.exemption.starts),
        Field("endDateTime", Kind.MOMENT, lambda a: a.exemption.ends),
        _WHO,
        _OURS,
    ),
)
