"""
User codes: what a person types (RFC 8628 §6.1), and how long one must be (R10).

Twenty consonants, so that no code is a word and none is mistaken for another; longer when more codes are alive, so
that one guess hits with at most 2^-24.6 at any load.
"""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"

KEY = "user-codes"
"""Purpose of the key under which codes are kept (R10): one page takes those of sign-ins and of drills."""

_LENGTHS = ((1_000, 8), (20_000, 9), (400_000, 10), (8_000_000, 11))
"""(live codes up to, letters)"""

GROUPS = {8: (4, 4), 9: (3, 3, 3), 10: (5, 5), 11: (4, 3, 4)}
"""How a code of so many letters is shown."""

LONGEST_TYPED = 64  # characters looked at; the rest of the line cannot matter


def length(live: int) -> int | None:
    """How many letters a new code needs when *live* codes are alive with it; None when none may be issued."""
    return next((letters for most, letters in _LENGTHS if live <= most), None)


def normal(typed: str) -> str:
    """
    What was meant by *typed*: upper case, only letters of the alphabet (RFC 8628 §6.1: punctuation and case
    forgiven).
    """
    return "".join(c for c in typed[:LONGEST_TYPED].upper() if c in ALPHABET)


def spaced(code: str) -> str:
    """A code as it is shown: ``WDJB-MJHT``."""
    parts, rest = [], code
    for size in GROUPS[len(code)]:
        parts.append(rest[:size])
        rest = rest[size:]
    return "-".join(parts)
