"""
A drill: a marked test of whether people refuse a code that they did not ask for (RFC 10027 §6.1, M13).

Owns how long one lasts, how often a person may get one, what its page pretends and what it teaches afterwards.
INVARIANT: a drill has no device code and is no row of the sign-ins, so there is nothing that a machine could redeem.
Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.signins.declared import Declared
from ostiary.core.signins.signin import ACCOUNT_CHANGES, SignIn, State
from ostiary.core.signins.view import Around
from ostiary.core.words.ids import AppId, DrillId, SessionId, SignInId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, minutes
from ostiary.core.words.said import said

__all__ = [
    "KEPT", "LONGEST", "MOST", "MOST_PEOPLE", "PRETENDED", "SHORTEST", "USUAL", "WITHIN", "Decision", "Drill", "Status",
    "as_signin", "signs", "status",
]  # fmt: skip

USUAL, SHORTEST, LONGEST = days(1), minutes(5), days(7)
"""How long its code can be typed: people read their mail when they do."""
MOST, WITHIN = 3, days(30)
"""Of one person: a drill a week teaches, one a day is noise that real alarms drown in."""
MOST_PEOPLE = 200
"""Of one call."""
KEPT = days(180)
"""How long the results stand here after its end; the journal has its own rules."""
PRETENDED = "203.0.113.77"
"""Where the machine is said to be when nobody names another address (RFC 5737: nobody's)."""

_BEFORE = minutes(2)  # an attacker's kit asks for a code when somebody opens its link


class Decision(StrEnum):
    """What the person did at the page; a value is never reused."""

    DENIED = "denied"
    REPORTED = "reported"
    APPROVED = "approved"


class Status(StrEnum):
    """What became of it so far."""

    SENT = "sent"
    """Nobody typed the code yet."""
    NOT_OPENED = "notOpened"
    """It ran out, and nobody had typed the code."""
    TYPED = "typed"
    """Typed, and nothing was decided."""
    DENIED = "denied"
    REPORTED = "reported"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill of one person."""

    id: DrillId
    user: UserId
    client: AppId
    resource: AppId
    scopes: tuple[str, ...]
    """What its page says that it may do, as a sign-in keeps it."""
    address: str
    """Where its machine is said to be."""
    declared: Declared
    why: str
    """In the words of whoever sent it."""
    by: str
    """Actor, e.g. ``user:1b9d…``."""
    created: Instant
    ends: Instant
    typed: Instant | None = None
    browser: SessionId | None = None
    """The browser session that typed the code last."""
    decided: Instant | None = None
    decision: Decision | None = None

    def open(self, now: Instant) -> bool:
        """Whether its person can still do something."""
        return self.decision is None and now < self.ends


def status(drill: Drill, now: Instant) -> Status:
    """What became of it at *now*."""
    if drill.decision is not None:
        return Status(drill.decision.value)
    if drill.typed is not None:
        return Status.TYPED
    return Status.SENT if now < drill.ends else Status.NOT_OPENED


def as_signin(drill: Drill, now: Instant) -> SignIn:
    """
    What the page shows: a sign-in as an attacker's would be, made when the code was typed. It is in no store, and its
    id is the drill's.
    """
    typed = drill.typed if drill.typed is not None else now
    return SignIn(
        id=SignInId(drill.id), client=drill.client, resource=drill.resource, scopes=drill.scopes, state=State.CLAIMED,
        requester_address=drill.address, requester_agent="", created=after(typed, Span(-_BEFORE)),
        ends=min(drill.ends, after(typed, minutes(15))), user=drill.user, browser=drill.browser,
        changes=ACCOUNT_CHANGES, claimed=typed, declared=drill.declared,
    )  # fmt: skip


def signs(around: Around) -> tuple[str, ...]:
    """What could be seen on the page, for the one who looks at it afterwards."""
    told = [
        said("You had not started a sign-in on any machine. That alone is enough to refuse, whatever a message says."),
        said("The code came to you in a message. A code that is yours is on the screen of a machine in front of you."),
        said("The asking machine was at an address that is not yours."),
        *(oddity.text for oddity in around.oddities),
        said("Name and reason were what the machine said of itself: nobody checks that, and the page says so."),
    ]
    return tuple(told)
