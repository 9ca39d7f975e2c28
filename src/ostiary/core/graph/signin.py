"""
A sign-in's story as Graph's `signIn`.

`ipAddress` and `userAgent` are the requester's: the machine that asked. The other side, where a person decided, and
what became of what was given stand under the open property `ostiary`. Fields that only Graph's beta has are marked.
"""

from typing import Any

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.logs.circumstances import Position
from ostiary.core.logs.telling import Heading, Outcome, Protocol, Telling
from ostiary.core.tokens.refusals import Wire, wire
from ostiary.core.words.instants import to_iso
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
    return telling.protocol not in (Protocol.REFRESH, Protocol.OAUTH2)


def _event(telling: Telling) -> str:
    if telling.protocol is Protocol.OAUTH2:
        return "servicePrincipal"
    return "interactiveUser" if _interactive(telling) else "nonInteractiveUser"


def _principal(telling: Telling, what: str | None) -> str | None:
    """Of a workload, which signs in without a person; nothing else has a service principal of its own."""
    return what or None if telling.protocol is Protocol.OAUTH2 else None


def _steps(telling: Telling) -> list[dict[str, Any]]:
    """Graph's `authenticationDetail`, one for each factor: which they were, and when they were proved."""
    proofs = telling.around.proofs
    return [
        {
            "authenticationStepDateTime": to_iso(proof.at),
            "authenticationMethod": _METHODS.get(proof.method, proof.method),
            "authenticationMethodDetail": None,
            "succeeded": True,
            "authenticationStepResultDetail": "MFA completed" if number else "First factor completed",
            "authenticationStepRequirement": "Multifactor authentication" if number else "Primary authentication",
        }
        for number, proof in enumerate(proofs)
    ]


_METHODS = {
    "pwd": "Password", "otp": "One-time passcode", "hwk": "Passkey (device-bound)", "swk": "Passkey (synced)",
    "fed": "Federated identity provider",
}  # fmt: skip


def _second(telling: Telling) -> dict[str, Any] | None:
    """Graph's `mfaDetail`: the last factor, where there was more than one."""
    proofs = telling.around.proofs
    return (
        {"authMethod": _METHODS.get(proofs[-1].method, proofs[-1].method), "authDetail": None} if proofs[1:] else None
    )


def _lifetimes(telling: Telling) -> list[dict[str, str]]:
    """Graph's `sessionLifetimePolicy`: which applied policies limit how long it lasts."""
    limited = (p for p in telling.policies if "signInFrequency" in (p.get("enforcedSessionControls") or ()))
    return [
        {
            "expirationRequirement": "signInFrequencyPeriodicReauthentication",
            "detail": str(policy.get("displayName") or policy.get("id") or ""),
        }
        for policy in limited
    ]


def _location(position: Position) -> dict[str, Any]:
    """Graph's `signInLocation`. Cities are in no file that we read."""
    where = position.coordinates
    return {
        "city": None,
        "state": None,
        "countryOrRegion": position.country,
        "geoCoordinates": {
            "altitude": None,
            "latitude": where[0] / 10_000 if where else None,
            "longitude": where[1] / 10_000 if where else None,
        },
    }


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
    Field("approverLocation", Kind.JSON, lambda t: _location(t.around.approver), doc="As `location`, of the person."),
    Field("approverNetwork", Kind.INTEGER, lambda t: t.around.approver.network, doc="Its autonomous system."),
    Field("boundTo", Kind.ID, lambda t: t.around.bound or None, doc="What its tokens are bound to: dpop, certificate."),
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
        Field("id", Kind.ID, lambda t: t.row or t.id, column="id"),
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
        Field("location", Kind.JSON, lambda t: _location(t.around.requester), doc="The requester's."),
        Field("homeTenantId", Kind.ID, lambda t: t.tenant or None),
        Field("resourceTenantId", Kind.ID, lambda t: t.tenant or None),
        Field("servicePrincipalId", Kind.ID, lambda t: _principal(t, t.client)),
        Field("servicePrincipalName", Kind.STRING, lambda t: _principal(t, t.client_name)),
        Field("riskState", Kind.ID, lambda t: t.risk.state),
        Field("riskDetail", Kind.ID, lambda t: t.risk.detail),
        Field("riskLevelDuringSignIn", Kind.ID, lambda t: t.risk.level),
        Field("riskLevelAggregated", Kind.ID, lambda t: t.risk.level),
        Field("riskEventTypes_v2", Kind.STRINGS, lambda t: t.risk.events),
        Field(
            "authenticationProtocol", Kind.ID, lambda t: t.protocol.value, column="protocol", beta=True,
            doc="deviceCode, authorizationCodeWithPkce, refreshTokenGrant, oAuth2 or none.",
        ),
        Field("originalTransferMethod", Kind.ID, _transfer, column="transfer", beta=True),
        Field(
            "signInEventTypes", Kind.STRINGS, column="events", beta=True,
            get=lambda t: (_event(t),),
        ),
        Field(
            "incomingTokenType", Kind.ID, beta=True,
            get=lambda t: "refreshToken" if t.protocol is Protocol.REFRESH else "none",
        ),
        Field("sessionId", Kind.ID, lambda t: t.session, beta=True),
        Field("uniqueTokenIdentifier", Kind.ID, lambda t: t.token or None, beta=True),
        Field(
            "authenticationRequirement", Kind.ID, beta=True,
            get=lambda t: "multiFactorAuthentication" if "mfa" in t.amr else "singleFactorAuthentication",
        ),
        Field("authenticationDetails", Kind.JSON, _steps, beta=True),
        Field("mfaDetail", Kind.JSON, _second, beta=True),
        Field("authenticationContextClassReferences", Kind.STRINGS, lambda t: (), beta=True),
        Field("autonomousSystemNumber", Kind.INTEGER, lambda t: t.around.requester.network, beta=True),
        Field("sessionLifetimePolicies", Kind.JSON, _lifetimes, beta=True),
        Field(
            "tokenProtectionStatusDetails", Kind.JSON, beta=True,
            get=lambda t: {
                "signInSessionStatus": "bound" if t.around.bound else "unbound", "signInSessionStatusCode": None,
            },
        ),
        Field("federatedCredentialId", Kind.ID, lambda t: t.trust or None, beta=True),
        Field("userType", Kind.ID, lambda t: "member" if t.user else None, beta=True),
        Field("crossTenantAccessType", Kind.ID, lambda t: "none", beta=True),
        Field("ostiary", Kind.OBJECT, fields=_OURS, doc="What only this service knows."),
    ),
    longest=1000,
)  # fmt: skip
