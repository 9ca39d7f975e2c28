"""
What somebody asks for when an exemption is to be opened, and whether it may be had.

Owns the lengths, the mandatory reason and the moment at which the clock starts (R2, R3). Knows no person and no
application: the deed looks those up.
"""

from dataclasses import dataclass, field

from ostiary.core.exemptions.exemption import (
    LONGEST,
    LONGEST_LOCAL,
    SHORTEST,
    Limits,
    bad_length,
)
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import Instant, Span, after, between, hours, minutes, to_iso_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.said import said

SKEW = minutes(2)  # a client's clock may be this far ahead before "now" becomes "later"
AHEAD = hours(24)  # how long before its start a window may be opened
PRINCIPAL_LENGTH = 320  # characters; longer than any address (RFC 5321 §4.5.3.1)


@dataclass(frozen=True, slots=True)
class Opening:
    """One wish for an exemption."""

    principal: str
    """A user's id or principal name, in any case."""
    length: Span
    reason: str
    limits: Limits = field(default_factory=Limits)
    starts: Instant | None = None
    """None, or a moment that is past or within `SKEW`: at opening."""
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What of an `Opening` stands once it was examined."""

    reason: str
    starts: Instant
    ends: Instant


def examine(opening: Opening, caller: Caller, *, now: Instant) -> Terms | Refused:
    """The terms under which *caller* may have *opening* at *now*, else what is wrong with it."""
    reason = read_reason(opening.reason, field="justification")
    if isinstance(reason, Refused):
        return reason
    longest = LONGEST_LOCAL if caller.kind is CallerKind.LOCAL else LONGEST
    if bad_length(opening.length, longest=longest):
        least, most = to_iso_duration(SHORTEST), to_iso_duration(longest)
        text = said("An exemption lasts %(least)s to %(most)s.", least=least, most=most)
        return Refused(Reason.INVALID_VALUE, text, field="scheduleInfo.expiration")
    starts = _start(opening.starts, now)
    if starts is None:
        return Refused(Reason.INVALID_VALUE, "The start lies too far ahead.", field="scheduleInfo.startDateTime")
    return Terms(reason, starts, after(starts, opening.length))


def _start(asked: Instant | None, now: Instant) -> Instant | None:
    """When the clock starts: *now*, unless a moment clearly ahead was asked for."""
    if asked is None or between(now, asked) <= SKEW:
        return now
    return asked if between(now, asked) <= AHEAD else None


def for_oneself(caller: Caller, user_id: str, principal_name: str) -> bool:
    """
    Whether *caller* would open a window for the person who asks (R3: that is a break-glass exemption, by any path).

    The local door knows an operating-system user only; the same name before the @ is taken for the same person.
    """
    if caller.kind is CallerKind.LOCAL:
        return caller.id.lower() == principal_name.partition("@")[0]
    return caller.user == user_id
