"""
Findings: what a rule saw, with what shows it. Never a secret: only names, ids, addresses, times and counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.core.logs.entry import tame
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant, Span, days

__all__ = [
    "CONFIRMED_PERSON", "Cause", "Finding", "Found", "Kept", "Severity", "State", "confirmed_person", "found", "id_of",
]  # fmt: skip

Evidence = Mapping[str, str | int | bool | Sequence[str]]

MOST = 16
"""Keys of evidence, and texts of one list in it."""


class Severity(StrEnum):
    """How bad it is if it is what it looks like."""

    LOW = "low"
    """Odd, and usually harmless: a reason to look, with others."""
    MEDIUM = "medium"
    """Somebody should look today."""
    HIGH = "high"
    """Somebody should look now."""


class State(StrEnum):
    """What people think of it."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Cause(StrEnum):
    """Who did what made a finding, as far as it was proved (`cause.py`)."""

    PERSON = "person"
    """The person whom it concerns, completely signed in."""
    HOLDER = "holder"
    """Whoever held a code or token that was given to that person."""
    REPORTER = "reporter"
    """The person, refusing what somebody else tried."""
    ALLOWED = "allowed"
    """The person, in a way that people foresaw: told because it is rare, and no danger by itself."""
    ANYBODY = "anybody"
    """Nobody known, an administrator, or time."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule's `look` gives; the fold makes a finding of it."""

    sentence: str
    """For people, one or two sentences."""
    evidence: Evidence
    subject: str
    """What it is about: of one subject there is one finding in the rule's time (`Rule.once`)."""
    severity: Severity | None = None
    """Where it is another than the rule's."""
    user: str = ""
    """Whom it concerns, where that is somebody else than the event's person."""
    about_source: bool = False
    """Whether several people's acts made it: then it is not the act of the one who came last (`cause.py`)."""


def found(
    sentence: str, /, *, subject: str, severity: Severity | None = None, user: str = "", about_source: bool = False,
    **evidence: str | int | bool | Sequence[str],
) -> Found:  # fmt: skip
    """A `Found`, its texts tamed and cut: much of it comes from outside (R21)."""
    kept = {name: _tamed(value) for name, value in list(evidence.items())[:MOST]}
    return Found(tame(sentence), kept, subject, severity, user, about_source)


def _tamed(value: str | int | bool | Sequence[str]) -> str | int | bool | Sequence[str]:
    if isinstance(value, str):
        return tame(value)
    return value if isinstance(value, int) else tuple(tame(text) for text in value[:MOST])


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as it is stored and shown."""

    id: str
    """A GUID made of rule, subject and time: the same journal gives the same findings, however often it is read."""
    rule: str
    severity: Severity
    at: Instant
    """When that happened which made it: its entry's time."""
    sentence: str
    entry: str
    """That entry: ``stream.number``."""
    story: str = ""
    """The sign-in, or the deed."""
    user: str = ""
    client: str = ""
    session: str = ""
    exemption: str = ""
    source: str = ""
    """Address of the machine that asked, else where the entry came from."""
    country: str = ""
    """Of that address, where it is known."""
    evidence: Evidence = field(default_factory=dict, hash=False)
    cause: Cause = Cause.ANYBODY


@dataclass(frozen=True, slots=True)
class Kept:
    """A finding as it is stored, and what people think of it."""

    finding: Finding
    state: State
    detected: Instant
    changed: Instant
    seen: int
    """How often, within its rule's time."""
    last: Instant
    """When it was seen last."""

    @property
    def version(self) -> str:
        """What stands for it as it is now: another after every word on it, and whenever it was seen again."""
        return f"{self.state}-{self.changed}-{self.seen}"


CONFIRMED_PERSON = "admin_confirmed_user_compromised"
"""No rule's id: an administrator's word on a whole person, as Graph's `riskEventType` names it."""
CONFIRMED_ONCE = days(1)


def confirmed_person(user: str, at: Instant, entry: str) -> Finding:
    """The finding that an administrator makes by saying that the account *user* is compromised: one a day."""
    return Finding(
        id_of(CONFIRMED_PERSON, user, at, CONFIRMED_ONCE), CONFIRMED_PERSON, Severity.HIGH, at,
        "An administrator said that this account is compromised.", entry, user=user,
    )  # fmt: skip


def id_of(rule: str, subject: str, at: Instant, once: Span) -> str:
    """The id of the finding of *rule* about *subject* in the stretch of time, *once* long, that holds *at*."""
    text = digest(f"{rule}\n{subject}\n{at // once}").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
