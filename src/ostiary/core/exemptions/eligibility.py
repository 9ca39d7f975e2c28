"""
Eligibility: who may ask for an exemption, for good or until a date. It opens nothing by itself.

INVARIANT: whether it stands at *now* is derived (`starts <= now < ends`, not ended, its account enabled).
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.exemptions.rules import Rules
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, between, days, to_iso_duration
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["UNUSED_AFTER", "Eligibility", "Loss", "bounded_end", "unused"]

UNUSED_AFTER = days(90)
"""Eligible and not used for so long is worth a question."""


class Loss(StrEnum):
    """Why an eligibility ended before its time."""

    REMOVED = "removed"
    """By an administrator."""
    REVIEWED = "reviewed"
    """By the decision of an access review."""
    DISABLED = "disabled"
    """With its person's account."""
    REPLACED = "replaced"
    """By another one of the same person, with another end."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """One person may ask for exemptions of one group."""

    id: ExemptionId
    user: UserId
    group: GroupId
    reason: str
    starts: Instant
    ends: Instant | None
    """None: until somebody ends it."""
    created: Instant
    created_by: str
    ended: Instant | None = None
    loss: Loss | None = None
    ended_by: str | None = None

    def stands(self, now: Instant) -> bool:
        """Whether its person may ask at *now*."""
        return self.starts <= now and (self.ends is None or now < self.ends) and self.ended is None


def bounded_end(rules: Rules, starts: Instant, ends: Instant | None) -> Instant | None | Refused:
    """*ends* if the rules allow it; REFUSED names the limit."""
    longest, field = rules.eligible_longest, "scheduleInfo.expiration"
    if ends is None:
        if longest is None:
            return None
        text = f"An eligibility ends: within {to_iso_duration(longest)} by the rules."
        return Refused(Reason.INVALID_VALUE, text, field=field)
    if ends <= starts:
        return Refused(Reason.INVALID_VALUE, "The end lies before the start.", field=field)
    if longest is not None and between(starts, ends) > longest:
        return Refused(Reason.INVALID_VALUE, f"At most {to_iso_duration(longest)} by the rules.", field=field)
    return ends


def unused(eligibility: Eligibility, used: Instant | None, now: Instant) -> bool:
    """Whether nobody made use of it for ninety days; *used* is when an exemption of its person was used last."""
    since = max(eligibility.starts, used or eligibility.starts)
    return between(since, now) >= UNUSED_AFTER
