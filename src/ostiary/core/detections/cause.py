"""
Who caused a finding, as far as it was proved: what it may lead to depends on that.

Whoever has no account must not be able to end what is somebody else's. So what a finding does to a person counts only
where the entry that made it was that person's own act, or was done with a code or token that was given to them.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Cause
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import belongs

__all__ = ["ALLOWED", "HOLDERS", "cause_of"]

HOLDERS = frozenset({
    Kind.REDEEMED, Kind.REPEATED, Kind.REPLAYED, Kind.REFRESHED, Kind.REFRESH_REFUSED, Kind.REUSED,
    Kind.NUMBER_CONFIRMED, Kind.NUMBER_WRONG,
})  # fmt: skip
"""
Entries that exist only where a genuine code or token of a sign-in came, which its person had approved. A refused
refresh is one: without a genuine token nobody knows whose it is, and nothing is written about them.
"""
ALLOWED = frozenset({"break_glass_used"})
"""Rules that tell of what is allowed: an emergency must not end because it was announced."""
_CREDENTIALS = "user:credentials:"
_REFUSES = frozenset({Kind.REPORTED, Kind.DENIED})


def cause_of(event: Event, user: str, rule: str, *, about_source: bool = False) -> Cause:
    """
    Who caused what *event* told *rule* about *user*: an act at a sign-in or with credentials. What somebody does in
    administration, or with an exemption, endangers nobody's session and makes nobody risky. What was counted
    *about_source* is nobody's act: whoever came last did one of many things that others did.
    """
    if not user or about_source:
        return Cause.ANYBODY
    if rule in ALLOWED:
        return Cause.ALLOWED
    if event.by == user and (belongs(event.kind) or event.kind.startswith(_CREDENTIALS)):
        return Cause.REPORTER if event.kind in _REFUSES else Cause.PERSON
    return Cause.HOLDER if event.kind in HOLDERS and event.user == user and event.story else Cause.ANYBODY
