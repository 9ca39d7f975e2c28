"""
Who caused a finding, as far as it was proved: what it may lead to depends on that.

Whoever has no account must not be able to end what is somebody else's. So what a finding does to a person counts only
where the entry that made it was that person's own act, or was done with a code or token that was given to them.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Cause
from ostiary.core.logs.kinds import Kind

__all__ = ["HOLDERS", "cause_of"]

HOLDERS = frozenset({
    Kind.REDEEMED, Kind.REPEATED, Kind.REPLAYED, Kind.REFRESHED, Kind.REUSED, Kind.NUMBER_CONFIRMED, Kind.NUMBER_WRONG,
})  # fmt: skip
"""Entries that exist only where a genuine code or token of a sign-in came, which its person had approved."""


def cause_of(event: Event, user: str) -> Cause:
    """Who caused what *event* told about *user*; nobody known where no person is concerned."""
    if not user:
        return Cause.ANYBODY
    if event.by == user:
        return Cause.REPORTER if event.kind == Kind.REPORTED else Cause.PERSON
    return Cause.HOLDER if event.kind in HOLDERS and event.user == user and event.story else Cause.ANYBODY
