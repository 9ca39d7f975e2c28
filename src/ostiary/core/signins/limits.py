"""
How many open codes there may be, by source and by application (R21); half of every limit is kept for requesters that
proved something (a key, a certificate, a ticket).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Open codes at most."""

    per_source: int = 40
    """By one source and application."""
    per_application: int = 20_000


def room_for_one(limits: Limits, *, source: int, application: int, proved: bool) -> bool:
    """Whether one more code may be open, given how many are."""
    share = 1 if proved else 2
    return source < limits.per_source // share and application < limits.per_application // share
