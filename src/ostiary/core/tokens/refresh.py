"""
Refresh tokens: derived, not stored (R6).

``family.n.HMAC(K_refresh, family, n)``: the store keeps the family and its head number. INVARIANT: one live refresh
token a family.
"""

from base64 import urlsafe_b64encode
from enum import Enum

from ostiary.core.tokens.session import Grace, Session
from ostiary.core.words.digests import keyed, same
from ostiary.core.words.ids import SessionId, is_guid
from ostiary.core.words.instants import Instant, seconds

GRACE = seconds(60)
"""How long a number that was head brings the head again instead of ending the family."""

_MOST_GRACE = 64  # numbers remembered; more rotations than that in a minute end the family sooner, never later
_LONGEST = 128  # characters of a token


def token(key: bytes, family: SessionId, number: int) -> str:
    """The refresh token of *family* with *number*."""
    return f"{family}.{number}.{_proof(key, family, number)}"


def read(key: bytes, text: str) -> tuple[SessionId, int] | None:
    """Family and number of a token that we made; None for anything else, in the same time."""
    parts = text.split(".")
    if len(text) > _LONGEST or not text.isascii() or len(parts) != 3:
        return None
    family, number, proof = parts
    if not is_guid(family) or not number.isdigit() or len(number) > 12 or str(int(number)) != number:
        return None
    return (SessionId(family), int(number)) if same(_proof(key, SessionId(family), int(number)), proof) else None


class Use(Enum):
    """What a genuine refresh token is worth."""

    HEAD = "head"
    AGAIN = "again"
    """It was head a moment ago: the current head is given again, nothing forks."""
    STOLEN = "stolen"
    WRONG_KEY = "wrong_key"
    """The head, but bound to a key that was not proved: it is not given, and it is not spent."""


def judge(session: Session, number: int, now: Instant, *, key: bool = True) -> Use:
    """
    What *number* is worth at *now*; *key* is whether the key that the session is bound to, if any, was proved with it.
    """
    if number == session.head:
        return Use.HEAD if key else Use.WRONG_KEY
    kept = key and any(past.number == number and now - past.left < GRACE for past in session.grace)
    return Use.AGAIN if kept else Use.STOLEN


def next_grace(session: Session, now: Instant) -> tuple[Grace, ...]:
    """What to remember when the head moves on at *now*."""
    recent = tuple(past for past in session.grace if now - past.left < GRACE)
    return (*recent, Grace(session.head, now))[-_MOST_GRACE:]


def _proof(key: bytes, family: SessionId, number: int) -> str:
    return urlsafe_b64encode(keyed(key, family, str(number))).rstrip(b"=").decode("ascii")
