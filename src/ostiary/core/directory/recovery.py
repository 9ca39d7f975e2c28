"""
Codes that people keep or are told: recovery codes and temporary access passes, as they are written and read.

Letters that nobody confuses, in groups; what a person types comes back in any case and with any signs between.
"""

from ostiary.core.words.instants import Span, hours, minutes
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "ALPHABET",
    "CODES",
    "CODE_LETTERS",
    "PASS_LETTERS",
    "PASS_LIFETIME",
    "in_groups",
    "normal_code",
    "read_lifetime",
]

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 letters
CODES = 10
CODE_LETTERS = 10  # 50 bits; tries are counted as those of any second factor
PASS_LETTERS = 12  # 60 bits; tries are counted as those of a password
PASS_LIFETIME = (minutes(10), hours(8))

_GROUP = 4
_LONGEST = 64


def in_groups(code: str) -> str:
    """*code* as it is shown: groups of four."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def normal_code(typed: str) -> str:
    """What of *typed* is letters of a code."""
    return "".join(letter for letter in typed[:_LONGEST].upper() if letter in ALPHABET)


def read_lifetime(lifetime: Span) -> Span | Refused:
    """*lifetime* of an access pass, if it may be that long and that short."""
    shortest, longest = PASS_LIFETIME
    if shortest <= lifetime <= longest:
        return lifetime
    return Refused(Reason.INVALID_VALUE, "An access pass lives 10 minutes to 8 hours.", field="lifetimeInMinutes")
