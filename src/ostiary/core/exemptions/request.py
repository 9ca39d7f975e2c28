"""
A request for an exemption and its states.

    requested → partly approved → approved → active → ended: expired, released, revoked, killed
    requested, partly approved → denied, withdrawn, lapsed, killed      approved → lapsed (nobody used it)

What is stored is the phase and the decisions; everything that time does to a request is derived at *now*, from it and
from the exemption that it gave. The exemption has the request's id; a request to extend names the one it extends.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.core.exemptions.exemption import EndCause, Exemption, Limits
from ostiary.core.words.ids import ExemptionId, GroupId, SignInId, UserId
from ostiary.core.words.instants import Instant, Span, between

__all__ = ["Act", "Decision", "Phase", "Request", "State", "Ticket", "record_of", "standing"]


class Act(StrEnum):
    """How a request was made, in Graph's words."""

    ASSIGN = "adminAssign"
    """Opened by an administrator; it stands here as it is the record of how."""
    ACTIVATE = "selfActivate"
    EXTEND = "selfExtend"


class Phase(StrEnum):
    """What is stored."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    KILLED = "killed"
    """By the end of its person's account or eligibility, or (derived) by the kill switch."""


class State(StrEnum):
    """Where a request stands at one moment."""

    REQUESTED = "requested"
    PARTLY_APPROVED = "partlyApproved"
    APPROVED = "approved"
    """The exemption waits for its start or for its first use."""
    ACTIVE = "active"
    EXPIRED = "expired"
    RELEASED = "released"
    REVOKED = "revoked"
    KILLED = "killed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """Nobody decided in time, or nobody used it in time."""


UNDECIDED = (State.REQUESTED, State.PARTLY_APPROVED)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of another system, and whether that system was asked."""

    number: str
    system: str = ""
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person said to one stage."""

    by: UserId
    name: str
    stage: int
    approved: bool
    reason: str
    at: Instant
    length: Span | None = None
    """Less than was asked for."""
    methods: tuple[str, ...] = ()
    """How they had proved who they are (RFC 8176)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    id: ExemptionId
    act: Act
    user: UserId
    """Whom it is for."""
    group: GroupId
    by: str
    """The actor who made it, ``user:…``."""
    reason: str
    length: Span
    created: Instant
    ends: Instant
    """When it lapses undecided."""
    limits: Limits = field(default_factory=Limits)
    ticket: Ticket | None = None
    starts: Instant | None = None
    """A start that was asked for; None: as soon as possible."""
    break_glass: bool = False
    target: ExemptionId | None = None
    """The exemption that it extends."""
    auto: str = ""
    """The rule that approved it in place of people."""
    address: str = ""
    """Where it was made."""
    sign_in: SignInId | None = None
    """The device sign-in whose person asked for it at its page; that waits for it, or ended."""
    phase: Phase = Phase.OPEN
    decided: Instant | None = None
    """When the phase became what it is."""
    decided_by: str = ""
    number: int = 0
    """Of changes: what a swap compares."""
    review: str = ""
    """Of a break-glass exemption: what was written about it afterwards; empty while that is owed."""
    reviewed: Instant | None = None
    reviewed_by: str = ""
    decisions: tuple[Decision, ...] = ()

    def open(self, now: Instant) -> bool:
        """Whether it waits for a decision at *now*."""
        return self.phase is Phase.OPEN and now < self.ends

    def owes_review(self) -> bool:
        """Whether somebody has yet to write what a break-glass exemption was used for."""
        return self.break_glass and not self.review

    @property
    def opens(self) -> ExemptionId:
        """The exemption that it gives, or makes longer."""
        return self.target or self.id


_ENDED = {
    EndCause.RELEASED: State.RELEASED,
    EndCause.DISABLED: State.KILLED,
    EndCause.KILLED: State.KILLED,
    EndCause.INELIGIBLE: State.KILLED,
}
_CLOSED = {Phase.DENIED: State.DENIED, Phase.WITHDRAWN: State.WITHDRAWN, Phase.KILLED: State.KILLED}


def standing(request: Request, exemption: Exemption | None, now: Instant) -> State:
    """The state of *request* at *now*; *exemption* is the one that it `opens`, if there is one."""
    if request.phase is Phase.OPEN:
        if now >= request.ends:
            return State.LAPSED
        return State.PARTLY_APPROVED if request.decisions else State.REQUESTED
    if request.phase is not Phase.APPROVED:
        return _CLOSED[request.phase]
    if exemption is None:  # nobody can have used what does not exist
        return State.REVOKED
    if exemption.ended is not None:
        return _ENDED.get(exemption.end_cause or EndCause.ENDED, State.REVOKED)
    if now >= exemption.ends:
        return State.EXPIRED if exemption.waits is None else State.LAPSED
    return State.ACTIVE if exemption.waits is None and now >= exemption.starts else State.APPROVED


def record_of(exemption: Exemption, *, asked: Instant | None = None) -> Request:
    """
    How *exemption* came to be, opened by an administrator: a request that they made and granted at once. With *asked*,
    when it was asked for: as much of the request as the exemption tells.
    """
    return Request(
        id=exemption.id,
        act=Act.ASSIGN,
        user=exemption.user,
        group=exemption.group,
        by=exemption.opened_by,
        reason=exemption.reason,
        length=between(exemption.starts, exemption.ends),
        created=exemption.opened if asked is None else asked,
        ends=exemption.opened,
        limits=exemption.limits,
        starts=exemption.starts,
        break_glass=exemption.break_glass,
        phase=Phase.APPROVED,
        decided=exemption.opened,
        decided_by=exemption.opened_by,
    )
