"""
A person's session at a browser: half after the password, whole after the second factor, and when it is alive.

Its cookie is the session id of R16 and changes at every rise; the row, and with it what hangs on the session, stays.
"""

from dataclasses import dataclass

from ostiary.core.directory.people import User, stands
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, Span, after, between, minutes

BROWSER = "browser"
HALF = "half"
"""Kind of a session that has passed the password only: no code of ours takes it for a session."""

SEEN = minutes(1)
"""The last use is written at most this often."""
AMR = ("pwd", "otp", "mfa")
"""RFC 8176: what a whole session proved by password and one-time code."""
PASS = ("otp",)
"""What a half session proved that began with a temporary access pass: one thing, so never enough for a whole one."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One session of a person at a browser; lists of one's own sessions show the other kinds by it too."""

    id: SessionId
    kind: str
    user: UserId
    story: str
    created: Instant
    seen: Instant
    idle_ends: Instant
    ends: Instant
    authenticated: Instant
    amr: tuple[str, ...]
    address: str
    ended: Instant | None
    passkey: str | None = None
    """With which it was proved last; None when something else proved it."""


def alive(session: BrowserSession, user: User, *, kind: str, now: Instant) -> bool:
    """
    Whether *session* is of *kind* and counts at *now*: not ended, not over, and it stands by its person.
    """
    return (
        session.kind == kind
        and session.ended is None
        and now < min(session.ends, session.idle_ends)
        and stands(user, began=session.created, amr=session.amr, now=now)
    )


def idle_end(now: Instant, ends: Instant, idle: Span) -> Instant:
    """When a session used *now* ends by itself."""
    return min(ends, after(now, idle))


def to_write(session: BrowserSession, now: Instant) -> bool:
    """Whether this use is worth a write."""
    return between(session.seen, now) >= SEEN
