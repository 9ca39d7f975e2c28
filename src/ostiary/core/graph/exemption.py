"""
An exemption in the words of PIM for Groups: a time-bound assignment to the exception group.

One exemption shows as a request (how it was opened), a schedule and an instance (what stands now), all under its id.
What narrows it stands under the open property `ostiary`. Requests are taken as SDKs and scripts send them: the
exception group may be left out, a person may be named by principal name, capitals in a few names do not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from ostiary.core.exemptions.exemption import Exemption, Limits, limits_document
from ostiary.core.exemptions.opening import Opening
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.instants import Instant, Span, between
from ostiary.core.words.outcome import Reason, Refused

BASE = "identityGovernance/privilegedAccess/group"
ASSIGN = "adminAssign"
_ACTIONS = (ASSIGN, "adminRemove", "selfDeactivate")
_DURATION = ("afterDuration", "AfterDuration")
_MOMENT = ("afterDateTime", "AfterDateTime")
_ENDLESS = ("noExpiration", "NoExpiration", "notSpecified", "NotSpecified")


@dataclass(frozen=True, slots=True)
class Assignment:
    """An exemption as it is shown at one moment."""

    exemption: Exemption
    principal_name: str
    display_name: str
    now: Instant
    action: str = ASSIGN
    trial: bool = False
    """Only tried (`isValidationOnly`)."""

    @property
    def schedule(self) -> str:
        """Graph's id of the schedule."""
        return f"{self.exemption.group}_member_{self.exemption.id}"

    @property
    def state(self) -> str:
        """active, ahead or over."""
        if self.exemption.active(self.now):
            return "active"
        return "over" if self.exemption.over() <= self.now else "ahead"

    @property
    def status(self) -> str:
        """Graph's word for what became of the request."""
        if self.trial:
            return "Granted"
        if self.exemption.ended is not None or self.state == "over":
            return "Revoked"
        return "Provisioned" if self.state == "active" else "ScheduleCreated"

    @property
    def length(self) -> Span:
        """How long it was opened for."""
        return between(self.exemption.starts, self.exemption.ends)


@dataclass(frozen=True, slots=True)
class Ending:
    """A wish to end: one exemption, or all of one person."""

    id: ExemptionId | None
    principal: str
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish to open, or only to try whether it would be."""

    opening: Opening
    trial: bool


def read_request(changes: Mapping[str, Any], *, exception_group: str, now: Instant) -> Wish | Ending | Refused:
    """What a checked body asks for; `changes` are by the fields' `write` names."""
    if changes.get("group", exception_group) != exception_group:
        return Refused(Reason.INVALID_VALUE, "Only the exception group takes assignments.", field="groupId")
    reason = _reason(changes)
    principal = changes.get("principal", "")
    if changes["action"] != ASSIGN:
        return _ending(changes, principal, reason)
    if not principal:
        return Refused(Reason.INVALID_VALUE, "Somebody must be named.", field="principalId")
    length = _length(changes, now)
    limits = _limits(changes)
    if isinstance(length, Refused) or isinstance(limits, Refused):
        return length if isinstance(length, Refused) else limits  # type: ignore[return-value]
    opening = Opening(principal, length, reason, limits, changes.get("starts"), bool(changes.get("break_glass")))
    return Wish(opening, bool(changes.get("trial")))


def _reason(changes: Mapping[str, Any]) -> str:
    ticket = " ".join(filter(None, (changes.get("ticket_system"), changes.get("ticket_number"))))
    reason = changes.get("justification") or ""
    return f"{reason} ({ticket})" if reason and ticket else reason


def _ending(changes: Mapping[str, Any], principal: str, reason: str) -> Ending | Refused:
    if changes.get("trial"):
        return Refused(Reason.INVALID_VALUE, "Only adminAssign can be tried.", field="isValidationOnly")
    schedule = changes.get("schedule") or ""
    if not schedule and not principal:
        return Refused(Reason.INVALID_VALUE, "Name the person or the schedule.", field="principalId")
    id = ExemptionId(schedule.rpartition("_")[2]) if schedule else None
    return Ending(id, principal, reason, changes["action"])


def _length(changes: Mapping[str, Any], now: Instant) -> Span | Refused:
    kind, duration, end = (changes.get(name) for name in ("expires", "duration", "end"))
    if duration is not None and kind in (None, *_DURATION):
        return Span(duration)
    if end is not None and kind in (None, *_MOMENT):
        return between(max(changes.get("starts") or now, now), end)
    detail = "An exemption ends: give afterDuration and a duration, or afterDateTime and an end."
    return Refused(Reason.INVALID_VALUE, detail, field="scheduleInfo.expiration")


def _limits(changes: Mapping[str, Any]) -> Limits | Refused:
    application, text = changes.get("application"), changes.get("network")
    try:
        network = ip_network(text) if text else None
    except ValueError:
        detail = "A network such as 203.0.113.0/24 is needed, with no bits set beyond its length."
        return Refused(Reason.INVALID_VALUE, detail, field="ostiary.network")
    return Limits(AppId(application.lower()) if application else None, network)


# ---- fields

_PRINCIPAL: tuple[Field[Assignment], ...] = (
    Field("id", Kind.ID, lambda a: a.exemption.user),
    Field("displayName", Kind.STRING, lambda a: a.display_name),
    Field("userPrincipalName", Kind.STRING, lambda a: a.principal_name),
)

_EXPIRATION: tuple[Field[Assignment], ...] = (
    Field("type", Kind.ID, lambda a: "afterDuration", write="expires", values=(*_DURATION, *_MOMENT, *_ENDLESS)),
    Field("duration", Kind.DURATION, lambda a: a.length, write="duration", null=True),
    Field("endDateTime", Kind.MOMENT, lambda a: a.exemption.ends, write="end", null=True),
)

_SCHEDULE_INFO: tuple[Field[Assignment], ...] = (
    Field("startDateTime", Kind.MOMENT, lambda a: a.exemption.starts, write="starts", null=True),
    Field("expiration", Kind.OBJECT, fields=_EXPIRATION),
)

_TICKET: tuple[Field[Assignment], ...] = (
    Field("ticketNumber", Kind.STRING, write="ticket_number", limit=64, null=True),
    Field("ticketSystem", Kind.STRING, write="ticket_system", limit=64, null=True),
)

_LIMITED: tuple[Field[Assignment], ...] = (
    Field(
        "applicationId", Kind.ID, lambda a: limits_document(a.exemption.limits).get("applicationId"),
        write="application", null=True, doc="The only application that it is for.",
    ),
    Field(
        "network", Kind.ID, lambda a: limits_document(a.exemption.limits).get("network"), write="network", null=True,
        doc="Where the requester must be, in CIDR notation.",
    ),
    Field(
        "breakGlass", Kind.BOOL, lambda a: a.exemption.break_glass, write="break_glass",
        doc="Opened in an emergency; always so for oneself.",
    ),
    Field("state", Kind.ID, lambda a: a.state, column="state", doc="active, ahead, over."),
    Field("reason", Kind.STRING, lambda a: a.exemption.reason, doc="Why it was opened."),
    Field("openedBy", Kind.ID, lambda a: a.exemption.opened_by),
    Field("endedDateTime", Kind.MOMENT, lambda a: a.exemption.ended, doc="When somebody ended it before its time."),
    Field("endedBy", Kind.ID, lambda a: a.exemption.ended_by),
    Field("endCause", Kind.ID, lambda a: a.exemption.end_cause and a.exemption.end_cause.value),
)  # fmt: skip

_WHOM: tuple[Field[Assignment], ...] = (
    Field("accessId", Kind.ID, lambda a: "member", write="access", values=("member",)),
    Field("principalId", Kind.ID, lambda a: a.exemption.user, write="principal", limit=320, column="user"),
    Field("groupId", Kind.ID, lambda a: a.exemption.group, write="group", column="group"),
)

_OURS: Field[Assignment] = Field("ostiary", Kind.OBJECT, fields=_LIMITED, doc="What only this service knows.")
_WHO: Field[Assignment] = Field("principal", Kind.OBJECT, lambda a: a, fields=_PRINCIPAL)

REQUEST: Shape[Assignment] = Shape(
    f"{BASE}/assignmentScheduleRequests",
    "microsoft.graph.privilegedAccessGroupAssignmentScheduleRequest",
    (
        Field("id", Kind.ID, lambda a: a.exemption.id),
        Field("status", Kind.ID, lambda a: a.status),
        Field("action", Kind.ID, lambda a: a.action, write="action", required=True, values=_ACTIONS),
        *_WHOM,
        Field("accessID", Kind.ID, write="access", values=("member",), doc="As some scripts write it."),
        Field("groupID", Kind.ID, write="group", doc="As some scripts write it."),
        Field("justification", Kind.STRING, lambda a: a.exemption.reason, write="justification", limit=512),
        Field("createdDateTime", Kind.MOMENT, lambda a: a.exemption.opened),
        Field("completedDateTime", Kind.MOMENT, lambda a: a.exemption.opened),
        Field("createdBy", Kind.JSON, lambda a: {"user": {"id": a.exemption.opened_by.partition(":")[2]}}),
        Field("approvalId", Kind.ID, lambda a: None),
        Field("isValidationOnly", Kind.BOOL, lambda a: a.trial, write="trial"),
        Field("targetScheduleId", Kind.ID, lambda a: a.schedule, write="schedule", null=True),
        Field("scheduleInfo", Kind.OBJECT, fields=_SCHEDULE_INFO),
        Field("ticketInfo", Kind.OBJECT, fields=_TICKET),
        _WHO,
        _OURS,
    ),
)

SCHEDULE: Shape[Assignment] = Shape(
    f"{BASE}/assignmentSchedules",
    "microsoft.graph.privilegedAccessGroupAssignmentSchedule",
    (
        Field("id", Kind.ID, lambda a: a.schedule),
        *_WHOM,
        Field("assignmentType", Kind.ID, lambda a: "assigned"),
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
        Field("assignmentType", Kind.ID, lambda a: "assigned"),
        Field("memberType", Kind.ID, lambda a: "direct"),
        Field("assignmentScheduleId", Kind.ID, lambda a: a.schedule),
        Field("startDateTime", Kind.MOMENT, lambda a: a.exemption.starts),
        Field("endDateTime", Kind.MOMENT, lambda a: a.exemption.ends),
        _WHO,
        _OURS,
    ),
)
