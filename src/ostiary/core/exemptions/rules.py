"""
The rules of a group: how its exemptions are asked for, approved, used and ended. Frozen values; pure.

`compile_rules.py` reads them from Graph's `unifiedRoleManagementPolicy` documents, and is the only code that knows the
fields; `asking.py` and `deciding.py` apply them.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.core.access.strengths import Strength
from ostiary.core.exemptions.hours import Hours
from ostiary.core.exemptions.pattern import Pattern
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Span, days, hours, minutes

__all__ = ["Approver", "Approvers", "Auto", "AutoKind", "Checker", "Clock", "Mode", "Rules", "Stage"]


class Clock(StrEnum):
    """When the length of an exemption begins to run."""

    FIRST_USE = "firstUse"
    APPROVAL = "approval"


class Mode(StrEnum):
    """Graph's `approvalMode`."""

    NONE = "NoApproval"
    SINGLE = "SingleStage"
    SERIAL = "Serial"
    PARALLEL = "Parallel"


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody of whom it is known now where they stand."""

    id: UserId
    enabled: bool
    groups: frozenset[GroupId] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may decide: people by name, by group, by role."""

    users: frozenset[UserId] = frozenset()
    groups: frozenset[GroupId] = frozenset()
    roles: frozenset[str] = frozenset()

    def has(self, person: Approver) -> bool:
        """Whether *person* is among them; a disabled account never is."""
        named = person.id in self.users or self.groups & person.groups or self.roles & person.roles
        return person.enabled and bool(named)

    def nobody(self) -> bool:
        """Whether there is nobody who could be among them."""
        return not (self.users or self.groups or self.roles)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the approval."""

    primary: Approvers
    needed: int = 1
    """Different people who have to approve."""
    reasoned: bool = True
    """An approver says why."""
    escalation: Approvers = field(default_factory=Approvers)
    escalates: Span | None = None
    """After so long the next in the chain may decide as well; None: never."""

    def approvers(self, waited: Span) -> tuple[Approvers, ...]:
        """Who may decide a request that *waited* so long."""
        late = self.escalates is not None and waited >= self.escalates
        return (self.primary, self.escalation) if late else (self.primary,)


class AutoKind(StrEnum):
    """Which fact approves by itself."""

    ON_CALL = "onCall"
    LOW_RISK = "lowRisk"


@dataclass(frozen=True, slots=True)
class Auto:
    """A rule that approves in place of people: only what a person asks for in a browser, freshly proved (R3)."""

    kind: AutoKind
    group: GroupId | None = None
    """The on-call list."""
    longest: Span | None = None


@dataclass(frozen=True, slots=True)
class Checker:
    """How a ticket is checked with the system that it is from."""

    kind: str
    """Name in the table of checkers."""
    address: str
    """``https://…`` with `{ticket}` where the number goes."""
    path: tuple[str, ...] = ()
    """Where in the answer's JSON the state stands; empty: that there is an answer is enough."""
    values: frozenset[str] = frozenset()
    """States that count, in lower case."""


NARROWINGS = ("application", "network", "resource", "scopes", "device", "signIns")


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything about one group. The defaults are those of a new house."""

    # the window
    shortest: Span = minutes(30)
    longest: Span = hours(4)
    usual: Span = hours(1)
    """What is given to somebody who does not say."""
    clock: Clock = Clock.FIRST_USE
    start_window: Span = hours(8)
    """How long an approval waits for its first use."""
    consent_window: Span = minutes(30)
    """How long a consent that waits for an approval counts; after that its person consents once more (R5)."""
    cool_down: Span = Span(0)
    """How long after the end of one exemption nobody may ask for another."""
    allowed: Hours | None = None
    """None: every hour of the week."""
    # asking
    mfa: bool = True
    strength: Strength | None = None
    trusted_device: bool = False
    reasoned: bool = True
    pattern: Pattern | None = None
    """What the justification must contain."""
    ticket: bool = False
    ticket_pattern: Pattern | None = None
    checker: Checker | None = None
    narrow: frozenset[str] = frozenset()
    """Which of `NARROWINGS` a request must name."""
    most_sign_ins: int | None = None
    # deciding
    mode: Mode = Mode.SINGLE
    stages: tuple[Stage, ...] = (Stage(Approvers(roles=frozenset({"approver"}))),)
    expiry: Span = hours(24)
    """How long a request waits for its decision."""
    approver_strength: Strength | None = None
    auto: tuple[Auto, ...] = ()
    # in an emergency
    glass: Approvers = field(default_factory=Approvers)
    """Who may open a break-glass exemption for themselves."""
    glass_longest: Span = hours(1)
    # eligibility
    eligible_longest: Span | None = days(365)
    """None: it may be permanent."""
    assigned_longest: Span = hours(4)
    """What an administrator opens directly."""

    @property
    def approved_by_people(self) -> bool:
        """Whether somebody else has to say yes."""
        return self.mode is not Mode.NONE
