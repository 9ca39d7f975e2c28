"""
A request for an exemption as Graph's `privilegedAccessGroupAssignmentScheduleRequest`: how each came to be, whoever
asked for it, with what became of it.

Bodies are taken as SDKs and scripts send them: the exception group may be left out, a person may be named by principal
name, capitals in a few names do not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ostiary.core.exemptions.exemption import Exemption, limits_document
from ostiary.core.exemptions.request import UNDECIDED, Act, Decision, Phase, Request, State, standing
from ostiary.core.graph.exemption import BASE, LIMITS, schedule_id
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant, Span, between

__all__ = ["ACTIONS", "DURATION", "ENDLESS", "MOMENT", "REQUEST", "Asking"]

ACTIONS = (Act.ASSIGN.value, Act.ACTIVATE.value, Act.EXTEND.value, "adminRemove", "selfDeactivate")
DURATION = ("afterDuration", "AfterDuration")
MOMENT = ("afterDateTime", "AfterDateTime")
ENDLESS = ("noExpiration", "NoExpiration", "notSpecified", "NotSpecified")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request as it is shown at one moment."""

    request: Request
    exemption: Exemption | None
    """The one that it gave, or makes longer."""
    principal_name: str
    display_name: str
    now: Instant
    action: str = ""
    """What a body asked for just now, where that is not how the request was made."""
    trial: bool = False
    """Only tried (`isValidationOnly`)."""

    @property
    def state(self) -> State:
        """Where it stands."""
        return standing(self.request, self.exemption, self.now)

    @property
    def status(self) -> str:
        """Graph's word for that."""
        return "Granted" if self.trial else _STATUS[self.state]

    @property
    def given(self) -> Exemption | None:
        """The exemption, once it was approved."""
        return self.exemption if self.request.phase is Phase.APPROVED else None

    @property
    def length(self) -> Span:
        """How long it is for: what was asked for, then what was approved."""
        given = self.given
        if given is None or self.request.target is not None:
            return self.request.length
        return given.waits if given.waits is not None else between(given.starts, given.ends)

    @property
    def starts(self) -> Instant | None:
        """When it begins, as far as somebody said."""
        return self.given.starts if self.given is not None else self.request.starts

    @property
    def ends(self) -> Instant | None:
        """When the exemption ends; while it waits for its first use, when that is too late."""
        return self.given.ends if self.given is not None else None


_STATUS = {
    State.REQUESTED: "PendingApproval",
    State.PARTLY_APPROVED: "PendingApproval",
    State.APPROVED: "ScheduleCreated",
    State.ACTIVE: "Provisioned",
    State.DENIED: "Denied",
    State.WITHDRAWN: "Canceled",
    State.LAPSED: "Failed",
    State.EXPIRED: "Revoked",
    State.RELEASED: "Revoked",
    State.REVOKED: "Revoked",
    State.KILLED: "Revoked",
}

# ---- fields

_PRINCIPAL: tuple[Field[Asking], ...] = (
    Field("id", Kind.ID, lambda a: a.request.user),
    Field("displayName", Kind.STRING, lambda a: a.display_name),
    Field("userPrincipalName", Kind.STRING, lambda a: a.principal_name),
)

_EXPIRATION: tuple[Field[Asking], ...] = (
    Field("type", Kind.ID, lambda a: "afterDuration", write="expires", values=(*DURATION, *MOMENT, *ENDLESS)),
    Field("duration", Kind.DURATION, lambda a: a.length, write="duration", null=True),
    Field("endDateTime", Kind.MOMENT, lambda a: a.ends, write="end", null=True),
)

_SCHEDULE_INFO: tuple[Field[Asking], ...] = (
    Field("startDateTime", Kind.MOMENT, lambda a: a.starts, write="starts", null=True),
    Field("expiration", Kind.OBJECT, fields=_EXPIRATION),
)

_TICKET: tuple[Field[Asking], ...] = (
    Field(
        "ticketNumber",
        Kind.STRING,
        lambda a: a.request.ticket and a.request.ticket.number,
        write="ticket_number",
        limit=64,
        null=True,
    ),
    Field(
        "ticketSystem",
        Kind.STRING,
        lambda a: (a.request.ticket and a.request.ticket.system) or None,
        write="ticket_system",
        limit=64,
        null=True,
    ),
)

_DECISION: tuple[Field[Decision], ...] = (
    Field("stage", Kind.INTEGER, lambda d: d.stage),
    Field("reviewedBy", Kind.STRING, lambda d: d.name),
    Field("reviewResult", Kind.ID, lambda d: "Approve" if d.approved else "Deny"),
    Field("justification", Kind.STRING, lambda d: d.reason),
    Field("reviewedDateTime", Kind.MOMENT, lambda d: d.at),
    Field("duration", Kind.DURATION, lambda d: d.length, doc="Less than was asked for."),
    Field("authenticationMethods", Kind.STRINGS, lambda d: d.methods, doc="How the approver had signed in (RFC 8176)."),
)


def _limit(name: str) -> Callable[[Asking], Any]:
    return lambda a: limits_document(a.request.limits).get(name)


def _of(name: str) -> Callable[[Asking], Any]:
    return lambda a: getattr(a.given, name) if a.given is not None else None


_LIMITED: tuple[Field[Asking], ...] = (
    *(Field(name, kind, _limit(name), write=write, null=True, doc=doc) for name, kind, write, doc in LIMITS),
    Field(
        "breakGlass",
        Kind.BOOL,
        lambda a: a.request.break_glass,
        write="break_glass",
        doc="Opened in an emergency; what an administrator opens for themselves always is.",
    ),
    Field(
        "state",
        Kind.ID,
        lambda a: a.state.value,
        column="state",
        doc="In our words; a filter takes waiting, active and over.",
    ),
    Field("reason", Kind.STRING, lambda a: a.request.reason, doc="Why it was asked for."),
    Field("requestedDuration", Kind.DURATION, lambda a: a.request.length),
    Field(
        "requestEndDateTime",
        Kind.MOMENT,
        lambda a: a.request.ends if a.state in UNDECIDED else None,
        doc="When it lapses undecided.",
    ),
    Field(
        "waits",
        Kind.BOOL,
        lambda a: a.given is not None and a.given.waits is not None,
        doc="Its clock starts at the first sign-in.",
    ),
    Field("used", Kind.INTEGER, lambda a: a.given.used if a.given is not None else 0),
    Field("ticketChecked", Kind.BOOL, lambda a: a.request.ticket is not None and a.request.ticket.checked),
    Field("openedBy", Kind.ID, lambda a: a.request.by),
    Field("signIn", Kind.ID, lambda a: a.request.sign_in, doc="The device sign-in at whose page it was asked for."),
    Field(
        "autoApproval", Kind.ID, lambda a: a.request.auto or None, doc="The rule that approved it in place of people."
    ),
    Field("decidedBy", Kind.ID, lambda a: a.request.decided_by or None),
    Field("decisions", Kind.OBJECTS, lambda a: a.request.decisions, fields=_DECISION),
    Field("endedDateTime", Kind.MOMENT, _of("ended"), doc="When somebody ended it before its time."),
    Field("endedBy", Kind.ID, _of("ended_by")),
    Field("endCause", Kind.ID, _of("end_cause")),
    Field(
        "review",
        Kind.STRING,
        lambda a: a.request.review or ("owed" if a.request.owes_review() else None),
        column="review",
        doc="Of break-glass: its review, or `owed`.",
    ),
    Field("reviewedBy", Kind.ID, lambda a: a.request.reviewed_by or None),
)

REQUEST: Shape[Asking] = Shape(
    f"{BASE}/assignmentScheduleRequests",
    "microsoft.graph.privilegedAccessGroupAssignmentScheduleRequest",
    (
        Field("id", Kind.ID, lambda a: a.request.id),
        Field("status", Kind.ID, lambda a: a.status, column="status"),
        Field(
            "action", Kind.ID, lambda a: a.action or a.request.act.value, write="action", required=True, values=ACTIONS
        ),
        Field("accessId", Kind.ID, lambda a: "member", write="access", values=("member",)),
        Field("principalId", Kind.ID, lambda a: a.request.user, write="principal", limit=320, column="user"),
        Field("groupId", Kind.ID, lambda a: a.request.group, write="group", column="group"),
        Field("accessID", Kind.ID, write="access", values=("member",), doc="As some scripts write it."),
        Field("groupID", Kind.ID, write="group", doc="As some scripts write it."),
        Field("justification", Kind.STRING, lambda a: a.request.reason, write="justification", limit=512),
        Field("createdDateTime", Kind.MOMENT, lambda a: a.request.created),
        Field("completedDateTime", Kind.MOMENT, lambda a: a.request.decided),
        Field("createdBy", Kind.JSON, lambda a: {"user": {"id": a.request.by.partition(":")[2]}}),
        Field("approvalId", Kind.ID, lambda a: a.request.id if a.request.act is not Act.ASSIGN else None),
        Field("isValidationOnly", Kind.BOOL, lambda a: a.trial, write="trial"),
        Field(
            "targetScheduleId",
            Kind.ID,
            lambda a: schedule_id(a.request.group, a.request.opens),
            write="schedule",
            null=True,
        ),
        Field("scheduleInfo", Kind.OBJECT, fields=_SCHEDULE_INFO),
        Field("ticketInfo", Kind.OBJECT, fields=_TICKET),
        Field("principal", Kind.OBJECT, lambda a: a, fields=_PRINCIPAL),
        Field("ostiary", Kind.OBJECT, fields=_LIMITED, doc="What only this service knows."),
    ),
)
