"""
An access review: is it still right that each of these people is eligible? One answer a person, with the evidence.

A *no* ends the eligibility at once, and is final; a *yes* may become a *no* while the review is open. Nobody answers
for themselves. What nobody answers stays as it is, and stays on the list.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.exemptions.eligibility import Eligibility, unused
from ostiary.core.words.caller import Caller
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason

__all__ = ["LONGEST", "Answer", "Evidence", "Item", "Review", "answered", "evidence"]

LONGEST = days(90)
"""How long a review may stay open."""


class Answer(StrEnum):
    """Graph's words."""

    NONE = "NotReviewed"
    YES = "Approve"
    NO = "Deny"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was known of one eligibility when the review began."""

    since: Instant
    """When it was given."""
    used: Instant | None
    """When an exemption of the person was used last."""
    unused: bool
    """Not made use of for ninety days."""

    @property
    def recommendation(self) -> Answer:
        """What it speaks for."""
        return Answer.NO if self.unused else Answer.YES


@dataclass(frozen=True, slots=True)
class Review:
    """One review."""

    id: str
    name: str
    group: GroupId
    created: Instant
    created_by: str
    ends: Instant
    stopped: Instant | None = None

    def open(self, now: Instant) -> bool:
        """Whether it still takes answers."""
        return self.stopped is None and now < self.ends


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a review and its answer."""

    id: str
    review: str
    eligibility: ExemptionId
    evidence: Evidence
    decision: Answer = Answer.NONE
    reason: str = ""
    at: Instant | None = None
    by: str = ""


def evidence(eligibility: Eligibility, used: Instant | None, now: Instant) -> Evidence:
    """What is known of *eligibility* at *now*."""
    return Evidence(eligibility.starts, used, unused(eligibility, used, now))


def answered(
    review: Review, item: Item, whose: UserId, answer: Answer, text: str, caller: Caller, *, now: Instant
) -> str | Refused:
    """The reason to write down for *answer*, or why it is not taken."""
    if caller.user == whose:
        return Refused(Reason.FORBIDDEN, "Nobody reviews their own eligibility.")
    if not review.open(now):
        return Refused(Reason.WRONG_STATE, "The review is over.")
    if item.decision is Answer.NO:
        return Refused(Reason.CONFLICT, "It was denied already; the eligibility has ended.")
    if answer is Answer.NONE:
        return Refused(Reason.INVALID_VALUE, "Approve or Deny is needed.", field="decision")
    return read_reason(text, field="justification")
