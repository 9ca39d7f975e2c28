"""
A decision is a value with its reasons; it goes into the journal as it is.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.words.ids import PolicyId


class Outcome(StrEnum):
    """What policy says."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    CONTROLS = "controls"
    """Not yet: controls are missing."""


class Result(StrEnum):
    """What one policy did; the values of Graph's `appliedConditionalAccessPolicy.result`."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOT_APPLIED = "notApplied"
    NOT_ENABLED = "notEnabled"
    REPORT_SUCCESS = "reportOnlySuccess"
    REPORT_FAILURE = "reportOnlyFailure"
    REPORT_NOT_APPLIED = "reportOnlyNotApplied"


@dataclass(frozen=True, slots=True)
class Applied:
    """One policy's part in a decision."""

    id: PolicyId
    name: str
    result: Result
    controls: tuple[str, ...] = ()
    """Graph names of what it demands, e.g. ``block``, ``mfa``."""
    condition: str = ""
    """Which condition decided that it does not apply; empty when it applies."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer."""

    outcome: Outcome
    missing: tuple[str, ...] = ()
    """Controls that would turn CONTROLS into ALLOWED."""
    policies: tuple[Applied, ...] = ()
    """Every policy that applied, report-only ones included."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the policies that said no."""
        return tuple(p.name for p in self.policies if p.result is Result.FAILURE)

    def document(self) -> list[dict[str, Any]]:
        """As the journal and the sign-in log keep it (`appliedConditionalAccessPolicies`)."""
        return [
            {
                "id": p.id,
                "displayName": p.name,
                "result": p.result.value,
                "enforcedGrantControls": list(p.controls),
                "enforcedSessionControls": [],
            }
            for p in self.policies
        ]
