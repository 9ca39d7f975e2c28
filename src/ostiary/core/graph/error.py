"""
What a refusal is to a Graph caller: status, code, sentence, and the envelope around them.

One table from our reasons. A reason that no admin deed gives stands for the caller's own mistake (400), never for ours.
"""

from dataclasses import dataclass
from typing import Any

from ostiary.core.words.instants import Instant, to_datetime
from ostiary.core.words.outcome import Reason, Refused


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a body or a query."""

    path: str
    """JSON path (``$.api.oauth2PermissionScopes[0].value``) or query option (``$filter``)."""
    message: str
    rule: str = ""
    """The rule for exemptions that is not kept, as Graph calls it; the API tells it before the message."""

    @property
    def told(self) -> str:
        """As the envelope says it."""
        return f"{self.rule}: {self.message}" if self.rule else self.message


@dataclass(frozen=True, slots=True)
class Invalid:
    """A body that cannot be used, with everything that is wrong with it."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table."""

    status: int
    code: str
    message: str


_MISTAKE = Meaning(400, "Request_BadRequest", "The request cannot be used.")
_FORBIDDEN = "Authorization_RequestDenied"

MEANINGS: dict[Reason, Meaning] = {
    Reason.NOT_SIGNED_IN: Meaning(401, "InvalidAuthenticationToken", "A valid access token is needed."),
    Reason.SESSION_ENDED: Meaning(401, "InvalidAuthenticationToken", "The session has ended. Sign in again."),
    Reason.BAD_TOKEN: Meaning(401, "InvalidAuthenticationToken", "The access token is not valid."),
    Reason.DPOP_INVALID: Meaning(401, "InvalidAuthenticationToken", "The DPoP proof is not valid."),
    Reason.DPOP_NONCE: Meaning(401, "InvalidAuthenticationToken", "The DPoP proof needs the nonce of this answer."),
    Reason.WRONG_KEY: Meaning(401, "InvalidAuthenticationToken", "The access token is bound to another key."),
    Reason.TOKEN_EXPIRED: Meaning(401, "InvalidAuthenticationToken", "The access token has expired."),
    Reason.ACCOUNT_DISABLED: Meaning(401, "InvalidAuthenticationToken", "The account is disabled."),
    Reason.EXEMPTION_ENDED: Meaning(401, "InvalidAuthenticationToken", "The exemption behind this token has ended."),
    Reason.STEP_UP: Meaning(
        401,
        "InteractionRequired",
        "Sign in again in a browser: this needs a second factor not older than five minutes.",
    ),
    Reason.FORBIDDEN: Meaning(403, _FORBIDDEN, "Insufficient privileges to complete the operation."),
    Reason.ORIGIN_FORBIDDEN: Meaning(
        403, _FORBIDDEN, "A session that began with a device code may not do this. Sign in with a browser."
    ),
    Reason.NOT_ELIGIBLE: Meaning(403, _FORBIDDEN, "Nobody made this person eligible for exemptions of this group."),
    Reason.NOT_FOUND: Meaning(404, "Request_ResourceNotFound", "There is no such resource."),
    Reason.CONFLICT: Meaning(
        409, "Request_MultipleObjectsWithSameKeyValue", "It exists already, or has changed meanwhile."
    ),
    Reason.PRECONDITION_FAILED: Meaning(  # RFC 9110 §15.5.13
        412, "preconditionFailed", "Somebody changed it since you looked at it. Read it again."
    ),
    Reason.WRONG_STATE: Meaning(409, "Request_Conflict", "That cannot be done in its present state."),
    Reason.LAST_ADMINISTRATOR: Meaning(
        409, "Request_Conflict", "The last administrator cannot be removed, disabled or demoted."
    ),
    Reason.REASON_REQUIRED: Meaning(400, "Request_BadRequest", "A reason is needed."),
    Reason.INVALID_VALUE: Meaning(400, "Request_BadRequest", "A value is not valid."),
    Reason.BUSY_SOURCE: Meaning(429, "TooManyRequests", "Too many requests. Wait and try again."),
    Reason.UNAVAILABLE: Meaning(503, "ServiceUnavailable", "The service cannot do this at the moment. Try again."),
    Reason.FAULT: Meaning(500, "InternalServerError", "Something went wrong on our side."),
}


def meaning(reason: Reason) -> Meaning:
    """The row of *reason*; one that is not in the table is a mistake of the request."""
    return MEANINGS.get(reason, _MISTAKE)


def problems_of(refused: Refused | Invalid) -> tuple[Problem, ...]:
    """What is wrong where, for the envelope's details."""
    if isinstance(refused, Invalid):
        return refused.problems
    return (Problem(refused.field, refused.detail or meaning(refused.reason).message),) if refused.field else ()


def sentence(refused: Refused | Invalid) -> str:
    """What the envelope's message says."""
    if isinstance(refused, Invalid):
        first = refused.problems[0]
        more = f" ({len(refused.problems) - 1} more in details)" if len(refused.problems) > 1 else ""
        return f"{first.path}: {first.told}{more}"
    message = refused.detail or meaning(refused.reason).message
    return f"{refused.field}: {message}" if refused.field else message


def envelope(
    code: str, message: str, *, now: Instant, request: str, correlation: str, problems: tuple[Problem, ...] = ()
) -> dict[str, Any]:
    """
    Graph's error object; *request* is the reference to quote, *correlation* what the caller sent as client-request-id.
    """
    error: dict[str, Any] = {
        "code": code,
        "message": message,
        "innerError": {
            "date": to_datetime(now).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request,
            "client-request-id": correlation or request,
        },
    }
    if problems:
        error["details"] = [{"code": code, "target": p.path, "message": p.told} for p in problems]
    return {"error": error}
