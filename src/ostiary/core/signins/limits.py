"""
The one place of the limits on device sign-ins (RFC 10027 §6.1, M11; R10, R21): how many codes may be out, by source,
application and in all, and how many sign-ins one person may be led to. Pure.

What strangers use up they use up among themselves: half of every limit is kept for requesters that proved something,
and part of that for machines from where somebody signed in before. What counts for a person is only what that person
does: no number of requests that name somebody locks them.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

from ostiary.core.directory.credentials import Rule
from ostiary.core.words.instants import hours, minutes


@dataclass(frozen=True, slots=True)
class Limits:
    """What a deployment may set; the defaults are the safe ones."""

    codes_per_source: int = 40
    """Open codes of one source (IPv4 /32, IPv6 /64) and application."""
    codes_per_application: int = 20_000
    codes_in_all: int = 100_000
    prompts_per_person: int = 30
    """Sign-ins that one person takes up in an hour, whatever they decide."""
    denials_per_person: int = 5
    """Of them, those that they deny or report."""
    denials_in_all: int = 20
    """Sign-ins that all people together deny or report in ten minutes: it alerts, and locks nobody."""


SAFE = Limits()


class Standing(IntEnum):
    """What a requester has to show; the value is its share of every limit, in quarters."""

    STRANGER = 2
    KNOWN = 3
    """A source from where somebody signed in."""
    PROVED = 4
    """A secret or key of the application, a registered device, a start ticket."""


class Full(Enum):
    """Which limit is used up. The value is the setting's name, as the journal keeps it."""

    SOURCE = "codes_per_source"
    APPLICATION = "codes_per_application"
    ALL = "codes_in_all"


@dataclass(frozen=True, slots=True)
class OpenNow:
    """How many codes are out."""

    source: int
    """Of this source and application."""
    application: int
    all: int


def full(limits: Limits, now: OpenNow, standing: Standing) -> Full | None:
    """Which limit keeps one more code of a requester of *standing* from being issued; None when there is room."""
    used = (
        (now.source, limits.codes_per_source, Full.SOURCE),
        (now.application, limits.codes_per_application, Full.APPLICATION),
        (now.all, limits.codes_in_all, Full.ALL),
    )
    return next((which for count, most, which in used if count >= most * standing // Standing.PROVED), None)


def prompts(limits: Limits) -> Rule:
    """How many sign-ins a person may take up, and for how long none then."""
    return Rule(hours(1), limits.prompts_per_person, minutes(15))


def denials(limits: Limits) -> Rule:
    """How many of them they may turn down before somebody seems to be wearing them out."""
    return Rule(hours(1), limits.denials_per_person, minutes(15))


def everybodys_denials(limits: Limits) -> Rule:
    """How many all people together turn down before it looks like an attack on many."""
    return Rule(minutes(10), limits.denials_in_all, minutes(10))
