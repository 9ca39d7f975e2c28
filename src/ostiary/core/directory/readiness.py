"""
Is an application fit for the device flow? What its risk assessment lacks, and where the registration falls short of it
(R23). Pure: the deed brings what is consented to and who the owner is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.core.directory.applications import Application
from ostiary.core.directory.assessments import MITIGATIONS, Assessment, Standing, closes, standing
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, minutes, to_iso

__all__ = ["Known", "Readiness", "examine"]

SHORT = {"M2": ("code_lifetime", minutes(5), "codes live longer than 5 minutes"),
         "M10": ("token_lifetime", minutes(10), "tokens live longer than 10 minutes")}  # fmt: skip

DEMANDS = {"M15": {"start_ticket": "startTicket"}, "M16": {"number_confirmation": "numberConfirmation"},
           "M17": {"reference_binding": "referenceBinding", "machine_binding": "machineBinding"}}  # fmt: skip
"""What is only there where it is demanded: fields of the registration, and the controls of policies."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the deed found beside the registration."""

    reached: Mapping[AppId, str] = field(default_factory=dict)
    """Resources that it has consent to or that a refresh may name, with their names."""
    assessed: frozenset[AppId] = frozenset()
    """Those that the assessment's resources are."""
    owned: bool = True
    """Whether the owner is an enabled account."""
    demanded: frozenset[str] = frozenset()
    """Controls that enforced policies demand, of whomever."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """One application looked at."""

    application: Application
    standing: Standing
    findings: tuple[str, ...]
    """What is missing, overdue or weak, a sentence each."""


def examine(application: Application, known: Known, now: Instant) -> Readiness:
    """Look at *application* at *now*."""
    assessment = application.assessment
    found = standing(assessment, now)
    if assessment is None:
        return Readiness(application, found, ("There is no risk assessment of it.",))
    due = _due(assessment, found)
    if assessment.carried:
        return Readiness(application, found, (*due, "Its device flow was on before assessments were asked for."))
    return Readiness(application, found, (*due, *_weak(application, assessment, known)))


def _due(assessment: Assessment, found: Standing) -> tuple[str, ...]:
    if found is Standing.OVERDUE:
        return (f"Its review is overdue: starts are refused from {to_iso(closes(assessment))} on.",)
    return ("Its review is overdue: starts are refused until it is reviewed.",) if found is Standing.CLOSED else ()


def _weak(application: Application, assessment: Assessment, known: Known) -> tuple[str, ...]:
    chosen = [MITIGATIONS[id] for id in assessment.mitigations]
    findings = [f"{m.id} ({m.name}) is chosen, and this release does not enforce it." for m in chosen if not m.here]
    if all(m.always or not m.here for m in chosen):
        findings.append("Nothing that can be enforced is chosen beyond what every application has.")
    for id, (name, most, text) in SHORT.items():
        if id in assessment.mitigations and getattr(application, name) > most:
            findings.append(f"{id} is chosen, and {text}.")
    for id, needs in DEMANDS.items():
        by_rule = any(getattr(application, name) == "required" for name in needs)
        if id in assessment.mitigations and not by_rule and not known.demanded & set(needs.values()):
            findings.append(f"{id} is chosen, and neither its registration nor any policy demands it.")
    for id, name in known.reached.items():
        if id not in known.assessed:
            findings.append(f"It may reach {name}, which the assessment does not name.")
    if not known.owned:
        findings.append(f"Its owner {assessment.owner_name} has no enabled account any more.")
    return tuple(findings)
