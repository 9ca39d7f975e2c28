"""
A sign-in's story as Graph's `signIn`.

`ipAddress` and `userAgent` are the requester's: the machine that asked. The other side, where a person decided, and
what became of what was given stand under the open property `ostiary`. Fields that only Graph's beta has are marked.
"""

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.logs.telling import Heading, Outcome, Protocol, Telling
from ostiary.core.tokens.refusals import Wire, wire
from ostiary.core.words.outcome import Reason

_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"), ("Darwin", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def _named(agent: str, table: tuple[tuple[str, str], ...]) -> str:
    """What *agent* says of itself; anybody can say anything."""
    return next((name for mark, name in table if mark in agent), "")


def outcome_wire(telling: Telling | Heading) -> Wire | None:
    """What the outcome says outside; None for a success."""
    if telling.outcome is Outcome.PENDING:
        return wire(Reason.PENDING)
    if telling.outcome is Outcome.SUCCESS:
        return None
    return wire(failure(telling.reason))


def failure(reason: str) -> Reason:
    """The reason of that name; one that this version does not know is an invalid request."""
    try:
        return Reason(reason)
    except ValueError:
        return Reason.INVALID_REQUEST


def error_number(telling: Telling | Heading) -> int:
    """Graph's `status/errorCode`: the AADSTS number of the outcome, 0 for a success."""
    found = outcome_wire(telling)
    return 0 if found is None else found.aadsts


def _transfer(telling: Telling) -> str:
    return "deviceCodeFlow" if telling.protocol is Protocol.DEVICE_CODE else "none"


def _interactive(telling: Telling) -> bool:
    return telling.protocol is not Protocol.REFRESH


def _attribute(telling: Telling, name: str) -> str:
    return str(telling.device.get("attributes", {}).get(name) or "")


_DEVICE: tuple[Field[Telling], ...] = (
    Field("deviceId", Kind.STRING, lambda t: t.device.get("id", "")),
    Field("displayName", Kind.STRING, lambda t: _attribute(t, "displayName")),
    Field("operatingSystem", Kind.STRING, lambda t: _named(t.requester_agent, _SYSTEMS)),
    Field("browser", Kind.STRING, lambda t: _named(t.requester_agent, _BROWSERS)),
    Field("isCompliant", Kind.BOOL, lambda t: t.device.get("compliant", False)),
    Field("isManaged", Kind.BOOL, lambda t: t.device.get("managed", False)),
    Field("trustType", Kind.STRING, lambda t: _attribute(t, "trustType")),
)

_STATUS: tuple[Field[Telling], ...] = (
    Field("errorCode", Kind.INTEGER, error_number, column="error"),
    Field("failureReason", Kind.STRING, lambda t: w.sentence if (w := outcome_wire(t)) else "Other."),
    Field("additionalDetails", Kind.STRING, lambda t: w.next_step if (w := outcome_wire(t)) else None),
)

_OURS: tuple[Field[Telling], ...] = (
    Field("outcome", Kind.ID, lambda t: t.outcome.value, column="outcome", doc="pending, success or failure."),
    Field("reason", Kind.ID, lambda t: t.reason or None, doc="Why it failed: a stable word."),
    Field("drill", Kind.BOOL, lambda t: t.drill, doc="A test of people, of which nothing can come."),
    Field("requesterAddress", Kind.ID, lambda t: t.requester_address or None, column="requester"),
    Field("requesterAgent", Kind.STRING, lambda t: t.requester_agent or None),
    Field("approverAddress", Kind.ID, lambda t: t.approver_address or None, column="approver"),
    Field("approverAgent", Kind.STRING, lambda t: t.approver_agent or None),
    Field("exemptionId", Kind.ID, lambda t: t.exemption, column="exemption", doc="The window that let it through."),
    Field("sessionId", Kind.ID, lambda t: t.session),
    Field("scopes", Kind.STRINGS, lambda t: t.scopes),
    Field("authenticationMethods", Kind.STRINGS, lambda t: t.amr, doc="RFC 8176."),
    Field("refreshCount", Kind.INTEGER, lambda t: t.refreshes),
    Field("attempts", Kind.INTEGER, lambda t: t.attempts, doc="How many refusals the row stands for."),
    Field("changedDateTime", Kind.MOMENT, lambda t: t.changed, doc="When something happened last."),
    Field("endDateTime", Kind.MOMENT, lambda t: t.ends, doc="When what it gave ends at the latest."),
    Field("endedDateTime", Kind.MOMENT, lambda t: t.ended, doc="When that ended."),
    Field("endCause", Kind.ID, lambda t: t.end_cause or None),
)

SIGN_IN: Shape[Telling] = Shape(
    "auditLogs/signIns",
    "microsoft.graph.signIn",
    (
        Field("id", Kind.ID, lambda t: t.id, column="id"),
        Field("createdDateTime", Kind.MOMENT, lambda t: t.started, column="started", sortable=True),
        Field("userDisplayName", Kind.STRING, lambda t: t.user_display_name or None),
        Field("userPrincipalName", Kind.STRING, lambda t: t.user_name or None, column="user_name", stored=str.lower),
        Field("userId", Kind.ID, lambda t: t.user, column="user"),
        Field("appId", Kind.ID, lambda t: t.client, column="client"),
        Field("appDisplayName", Kind.STRING, lambda t: t.client_name or None),
        Field("resourceId", Kind.ID, lambda t: t.resource, column="resource"),
        Field("resourceDisplayName", Kind.STRING, lambda t: t.resource_name or None),
        Field("ipAddress", Kind.ID, lambda t: t.requester_address or None, column="requester"),
        Field("userAgent", Kind.STRING, lambda t: t.requester_agent or None),
        Field("clientAppUsed", Kind.STRING, lambda t: "Mobile Apps and Desktop clients" if t.client else "Browser"),
        Field("correlationId", Kind.ID, lambda t: t.id, column="id"),
        Field("conditionalAccessStatus", Kind.ID, lambda t: t.access, column="access"),
        Field("isInteractive", Kind.BOOL, _interactive),
        Field("status", Kind.OBJECT, fields=_STATUS),
        Field("deviceDetail", Kind.OBJECT, fields=_DEVICE),
        Field("appliedConditionalAccessPolicies", Kind.JSON, lambda t: [dict(policy) for policy in t.policies]),
        Field("riskState", Kind.ID, lambda t: "none"),
        Field("riskLevelDuringSignIn", Kind.ID, lambda t: "none"),
        Field(
            "authenticationProtocol", Kind.ID, lambda t: t.protocol.value, column="protocol", beta=True,
            doc="deviceCode, authorizationCodeWithPkce, refreshTokenGrant, oAuth2 or none.",
        ),
        Field("originalTransferMethod", Kind.ID, _transfer, column="transfer", beta=True),
        Field(
            "signInEventTypes", Kind.STRINGS, column="events", beta=True,
            get=lambda t: ("interactiveUser",) if _interactive(t) else ("nonInteractiveUser",),
        ),
        Field("incomingTokenType", Kind.ID, lambda t: "none" if _interactive(t) else "refreshToken", beta=True),
        Field("sessionId", Kind.ID, lambda t: t.session, beta=True),
        Field("uniqueTokenIdentifier", Kind.ID, lambda t: t.token or None, beta=True),
        Field(
            "authenticationRequirement", Kind.ID, beta=True,
            get=lambda t: "multiFactorAuthentication" if "mfa" in t.amr else "singleFactorAuthentication",
        ),
        Field("ostiary", Kind.OBJECT, fields=_OURS, doc="What only this service knows."),
    ),
    longest=1000,
)  # fmt: skip
