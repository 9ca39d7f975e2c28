"""
A decision is a value with its reasons; it goes into the journal as it is.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.access.limits import NO_LIMITS, Limits
from ostiary.core.words.ids import PolicyId


class Outcome(StrEnum):
    """What policy says."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    CONTROLS = "controls"
    """Not yet: controls are missing that can still be brought."""
    UNJUDGED = "unjudged"
    """Entra's treatment only: it turns on something that nobody told. Counts as failed."""


class Result(StrEnum):
    """What one policy did; the values of Graph's `appliedConditionalAccessPolicy.result`."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOT_APPLIED = "notApplied"
    NOT_ENABLED = "notEnabled"
    REPORT_SUCCESS = "reportOnlySuccess"
    REPORT_FAILURE = "reportOnlyFailure"
    REPORT_NOT_APPLIED = "reportOnlyNotApplied"
    UNKNOWN = "unknown"
    """Entra's treatment only: cannot be judged."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One policy's part in a decision."""

    id: PolicyId
    name: str
    result: Result
    controls: tuple[str, ...] = ()
    """Graph names of what it demands, e.g. ``block``, ``mfa``."""
    condition: str = ""
    """Which condition decided that it does not apply, or cannot be judged; empty when it applies."""
    missing: tuple[str, ...] = ()
    """Which of the controls are not satisfied."""
    session_controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer."""

    outcome: Outcome
    missing: tuple[str, ...] = ()
    """Controls that would turn CONTROLS into ALLOWED."""
    policies: tuple[Applied, ...] = ()
    """Every policy that applied, report-only ones included."""
    limits: Limits = NO_LIMITS
    """What the policies that were enforced narrow, the tightest of each."""
    later: bool = False
    """All that is missing comes after consent, so that the person may consent."""

    @property
    def may_consent(self) -> bool:
        """Whether the person may say yes now; the redemption judges again."""
        return self.outcome is Outcome.ALLOWED or self.later

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the policies that said no."""
        return tuple(p.name for p in self.policies if p.result is Result.FAILURE)

    def document(self) -> list[dict[str, Any]]:
        """As the journal and the sign-in log keep it (`appliedConditionalAccessPolicies`)."""
        return [applied_document(policy) for policy in self.policies]


def applied_document(applied: Applied) -> dict[str, Any]:
    """One of Graph's `appliedConditionalAccessPolicies`."""
    return {
        "id": applied.id,
        "displayName": applied.name,
        "result": applied.result.value,
        "enforcedGrantControls": list(applied.controls),
        "enforcedSessionControls": list(applied.session_controls),
    }
