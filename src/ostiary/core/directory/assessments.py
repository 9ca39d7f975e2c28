"""
The risk assessment without which no application may use the device flow (R23; RFC 10027 BP1 to BP4).

Owns what one says, whether it counts at a moment, and the mitigations it may choose. Overdue reviews warn for thirty
days and close then: both follow from the date, no job does it. Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.directory.people import User
from ostiary.core.words.instants import Instant, after, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason

__all__ = [
    "GRACE",
    "LONGEST_REVIEW",
    "MITIGATIONS",
    "Assessment",
    "Mitigation",
    "Standing",
    "assess",
    "closes",
    "enforced",
    "may_start",
    "read",
    "standing",
    "written",
]

LONGEST_REVIEW = days(366)
"""A review is due within a year."""
GRACE = days(30)
"""How long an overdue review only warns."""


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One of the seventeen of RFC 10027 §6.1."""

    id: str
    name: str
    here: str = ""
    """How this release enforces it; empty: not yet, or elsewhere."""
    always: bool = False
    """For every application, chosen or not."""


MITIGATIONS: Mapping[str, Mitigation] = {
    m.id: m
    for m in (
        Mitigation("M1", "Establish proximity", "policies that ask for it (docs/policies.md)"),
        Mitigation("M2", "Short-lived codes", "codeLifetime"),
        Mitigation("M3", "One-time codes", "one redemption a code (R14)", always=True),
        Mitigation("M4", "Unique codes", "no code twice (R10)", always=True),
        Mitigation("M5", "Content filtering"),
        Mitigation("M6", "Detect and remediate", "reports, introspection, the kill switch (R8, R11)", always=True),
        Mitigation("M7", "Trusted devices", "policies that ask for machines of the inventory (docs/devices.md)"),
        Mitigation("M8", "Trusted networks", "exemptions narrowed to a network (P8)"),
        Mitigation("M9", "Limited scopes", "consent; no administrative scope (R3)"),
        Mitigation("M10", "Short-lived tokens", "tokenLifetime, the end of the exemption (R8)"),
        Mitigation("M11", "Rate limits", "guesses, open codes, prompts (R10, R21)", always=True),
        Mitigation("M12", "Sender-constrained tokens", "dpop (RFC 9449) or certificate (RFC 8705), R12"),
        Mitigation("M13", "User education", "/about, docs/people.md", always=True),
        Mitigation("M14", "User experience", "deny first, with what is known (R5, R11)", always=True),
        Mitigation("M15", "Authenticate, then initiate", "startTicket (R22)"),
        Mitigation("M16", "Request initiation verification", "numberConfirmation (R12)"),
        Mitigation("M17", "Request binding with out-of-band data", "referenceBinding, machineBinding (RFC 10027 §6.1)"),
    )
}
"""Whoever builds one of those that have no `here` says so here; assessments that chose it are enforced from then on."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One version of it."""

    version: int
    resources: tuple[str, ...]
    """Identifiers of what the application is meant to reach."""
    code_flow: str
    """Why not the authorization code flow with PKCE in a browser on that machine."""
    workload_identity: str
    """Why not a workload identity: why a person is needed at all."""
    hybrid_passkey: str
    """Why not a passkey of the phone by the hybrid transport (CTAP 2.2)."""
    mitigations: tuple[str, ...]
    owner: str
    """A person's id."""
    owner_name: str
    review: Instant
    """When it must be looked at again."""
    assessed: Instant
    by: str
    """Actor."""
    carried: bool = False
    """Made by the upgrade for a device flow that was on before: no assessment yet, due at once."""


class Standing(StrEnum):
    """What an assessment is worth at a moment."""

    MISSING = "missing"
    CURRENT = "current"
    OVERDUE = "overdue"
    """Its review is: starts go on for thirty days."""
    CLOSED = "closed"
    """Thirty days later: no start until it is reviewed."""


def closes(assessment: Assessment) -> Instant:
    """When an overdue review ends the device flow."""
    return after(assessment.review, GRACE)


def standing(assessment: Assessment | None, now: Instant) -> Standing:
    """What *assessment* is worth at *now*."""
    if assessment is None:
        return Standing.MISSING
    if now < assessment.review:
        return Standing.CURRENT
    return Standing.OVERDUE if now < closes(assessment) else Standing.CLOSED


def may_start(assessment: Assessment | None, now: Instant) -> bool:
    """Whether a device sign-in may begin: a review that is overdue warns first."""
    return standing(assessment, now) in (Standing.CURRENT, Standing.OVERDUE)


def enforced(assessment: Assessment) -> tuple[str, ...]:
    """Which of the chosen mitigations this release enforces."""
    return tuple(id for id in assessment.mitigations if MITIGATIONS[id].here)


_WHY = (
    ("code_flow", "whyNotCodeFlow"),
    ("workload_identity", "whyNotWorkloadIdentity"),
    ("hybrid_passkey", "whyNotHybridPasskey"),
)


def assess(
    old: Assessment | None, wish: Mapping[str, Any], *, owner: User | None, by: str, now: Instant
) -> Assessment | Refused:
    """
    The version after *old* that *wish* (by the fields' `write` names) asks for; it stands by itself, nothing is taken
    over. *owner* is whom it names. Refused: INVALID_VALUE with the field.
    """
    reasons: dict[str, Any] = {}
    for name, field in _WHY:
        text = read_reason(wish.get(name, ""), field=f"ostiary.assessment.{field}")
        if isinstance(text, Refused):
            return _bad(field, "Say why not, in 3 to 512 printable characters.")
        reasons[name] = text
    resources, chosen = tuple(wish.get("resources", ())), tuple(wish.get("mitigations", ()))
    if not resources:
        return _bad("resources", "Name what the application is to reach.")
    unknown = next((id for id in chosen if id not in MITIGATIONS), None)
    if not chosen or unknown is not None:
        return _bad("mitigations", "Choose among M1 to M17 (RFC 10027 §6.1), at least one.")
    if owner is None or not owner.enabled:
        return _bad("ownerId", "The owner is a person with an enabled account.")
    review = wish.get("review", Instant(0))
    if not now < review <= after(now, LONGEST_REVIEW):
        return _bad("reviewDateTime", "The review is due within a year from now.")
    version = old.version + 1 if old is not None else 1
    return Assessment(
        version, resources, mitigations=chosen, owner=owner.id, owner_name=owner.principal_name, review=review,
        assessed=now, by=by, **reasons,
    )  # fmt: skip


def _bad(field: str, detail: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, detail, field=f"ostiary.assessment.{field}")


def written(assessment: Assessment) -> dict[str, Any]:
    """As JSON: in the registration, and in the entry that keeps each version."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(assessment).items()}


def read(document: Mapping[str, Any]) -> Assessment:
    """What `written` wrote. Raises TypeError for a field that this version does not know."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Assessment(**values)
