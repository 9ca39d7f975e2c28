"""
What-If: a sign-in that is only thought of, in the shape of Graph's `evaluate` action, and what each policy says to it.
It is a person's (`userSignIn`), or an application's that asks alone (`servicePrincipalSignIn`).

What the body does not tell is unknown, and counts as it would under enforcement: at its worst. Ours under `ostiary`:
`facts`, as decisions keep them (`core/access/remembered.py`), over what Graph's fields say; and `exemption`, whether an
exemption admits the sign-in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.decision import Applied, Decision, Result
from ostiary.core.access.limits import Limits
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.words.instants import to_seconds

FIELDS: tuple[Field[Any], ...] = (
    Field("signInIdentity", Kind.JSON, write="identity", required=True, doc="userId or servicePrincipalId."),
    Field("signInContext", Kind.JSON, write="context", required=True, doc="includeApplications: one application id."),
    Field("signInConditions", Kind.JSON, write="conditions"),
    Field("appliedPoliciesOnly", Kind.BOOL, write="applied_only"),
    Field("ostiary", Kind.JSON, write="ours", doc="facts and exemption; docs/policies.md."),
)

_CONDITIONS = (
    "devicePlatform", "clientAppType", "country", "ipAddress", "signInRiskLevel", "userRiskLevel",
    "authenticationFlow", "deviceInfo",
)  # fmt: skip
_REASONS = {
    "users": "users", "applications": "application", "clientAppTypes": "clientApps",
    "clientApplications": "workloadIdentities",
    "authenticationFlows": "authenticationFlow", "platforms": "devicePlatform", "locations": "location",
    "signInRiskLevels": "signInRisk", "userRiskLevels": "userRisk", "devices": "devices",
    "requesterLocations": "location", "requesterDevice": "devices",
}  # fmt: skip
"""Our conditions to Graph's `whatIfAnalysisReasons`."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A sign-in to be judged, as its facts are written; groups and roles are looked up."""

    user: str
    """Empty: no person signs in."""
    client: str
    """`appId` of the application that asks alone; empty where a person signs in."""
    facts: Mapping[str, Any]
    exemption: bool
    applied_only: bool


def read_thought(body: Mapping[str, Any]) -> Thought | Invalid:
    """Read a checked body. Invalid: everything that is wrong with it."""
    problems: list[Problem] = []
    identity = _object(body.get("identity"), "$.signInIdentity", ("userId", "servicePrincipalId"), problems)
    context = _object(body.get("context"), "$.signInContext", ("includeApplications",), problems)
    conditions = _object(body.get("conditions"), "$.signInConditions", _CONDITIONS, problems)
    ours = _object(body.get("ours"), "$.ostiary", ("facts", "exemption"), problems)
    user, client = _who(identity, problems)
    facts = {"resource": _one(context.get("includeApplications"), problems), **_conditions(conditions, problems)}
    extra = ours.get("facts", {})
    if not isinstance(extra, dict):
        problems.append(Problem("$.ostiary.facts", "must be an object"))
        extra = {}
    if client and ours.get("exemption") is True:
        problems.append(Problem("$.ostiary.exemption", "is for people: none admits an application that asks alone"))
    if problems:
        return Invalid(tuple(problems))
    return Thought(user, client, {**facts, **extra}, ours.get("exemption") is True, body.get("applied_only") is True)


def _who(identity: Mapping[str, Any], problems: list[Problem]) -> tuple[str, str]:
    """The person, or the application that asks alone: one of them, and the field tells which."""
    if identity.get("servicePrincipalId") is None:
        return _text(identity.get("userId"), "$.signInIdentity.userId", problems), ""
    if identity.get("userId") is not None:
        problems.append(Problem("$.signInIdentity", "must name a person or an application, not both"))
    return "", _text(identity["servicePrincipalId"], "$.signInIdentity.servicePrincipalId", problems)


def _conditions(given: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Graph's conditions as facts; addresses are looked up later."""
    facts: dict[str, Any] = {}
    person: dict[str, Any] = {}
    names = {"devicePlatform": "platform", "clientAppType": "clientType", "signInRiskLevel": "signInRisk",
             "userRiskLevel": "userRisk"}  # fmt: skip
    for name, fact in names.items():
        if given.get(name) is not None:
            facts[fact] = _text(given[name], f"$.signInConditions.{name}", problems)
    for name, part in (("ipAddress", "address"), ("country", "country")):
        if given.get(name) is not None:
            person[part] = _text(given[name], f"$.signInConditions.{name}", problems)
    if person:
        facts["person"] = person
    flow = _object(
        given.get("authenticationFlow"), "$.signInConditions.authenticationFlow", ("transferMethod",), problems
    )
    if flow.get("transferMethod") is not None:
        method = _text(flow["transferMethod"], "$.signInConditions.authenticationFlow.transferMethod", problems)
        facts["transferMethod"] = None if method == "none" else method
    info = given.get("deviceInfo")
    if info is not None:
        device = dict(
            _object(info, "$.signInConditions.deviceInfo", tuple(info) if isinstance(info, dict) else (), problems)
        )
        facts["personDevice"] = {
            "id": str(device.pop("deviceId", "") or "simulated"),
            "compliant": device.pop("isCompliant", False) is True,
            "managed": device.pop("isManaged", False) is True,
            "attributes": device,
        }
    return facts


def _object(value: Any, path: str, known: tuple[str, ...], problems: list[Problem]) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(Problem(path, "must be an object"))
        return {}
    problems.extend(Problem(f"{path}.{name[:60]}", "is not known here") for name in value if name not in known)
    return value


def _text(value: Any, path: str, problems: list[Problem]) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        problems.append(Problem(path, "must be a text"))
        return ""
    return value


def _one(value: Any, problems: list[Problem]) -> str:
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], str):
        problems.append(Problem("$.signInContext.includeApplications", "must name one application"))
        return ""
    return value[0]


# ---- the answer


def analysis(
    decision: Decision, told: Iterable[Applied], documents: Mapping[str, Mapping[str, Any]], doubts: Mapping[str, str],
    *, applied_only: bool,
) -> dict[str, Any]:  # fmt: skip
    """
    Graph's list of `whatIfAnalysisResult`, and under `ostiary` what it comes to.

    *doubts* tells for each policy that applies only because something is unknown which condition that is.
    """
    rows = [_row(one, documents.get(one.id, {}), doubts.get(one.id, "")) for one in told]
    return {
        "value": [row for row in rows if row["policyApplies"] or not applied_only],
        "ostiary": {
            "outcome": decision.outcome.value,
            "rules": list(decision.rules),
            "missing": list(decision.missing),
            "limits": limits_document(decision.limits),
        },
    }


_APPLIES = (Result.SUCCESS, Result.FAILURE, Result.REPORT_SUCCESS, Result.REPORT_FAILURE)


def _row(told: Applied, document: Mapping[str, Any], doubt: str) -> dict[str, Any]:
    applies = told.result in _APPLIES
    if told.result is Result.NOT_ENABLED:
        reason = "policyNotEnabled"
    else:
        reason = "notEnoughInformation" if doubt else _REASONS.get(told.condition, "notSet")
    return {
        **document,
        "id": told.id,
        "policyApplies": applies,
        "analysisReasons": reason,
        "ostiaryAnalysis": explained(told) | ({"unknown": doubt} if doubt else {}),
    }


def explained(told: Applied) -> dict[str, Any]:
    """One policy's part in a decision, with the condition that decided."""
    return {
        "id": told.id,
        "displayName": told.name,
        "result": told.result.value,
        "condition": told.condition or None,
        "controls": [*told.controls, *told.session_controls],
        "missing": list(told.missing),
    }


def limits_document(limits: Limits) -> dict[str, Any]:
    """What is narrowed, as JSON; nothing that is not."""
    found = {
        "accessSeconds": None if limits.access is None else to_seconds(limits.access),
        "sessionSeconds": None if limits.session is None else to_seconds(limits.session),
        "signInFrequencySeconds": limits.frequency,
        "scopes": None if limits.scopes is None else sorted(limits.scopes),
    }
    return {name: value for name, value in found.items() if value is not None}
