"""
Security event tokens as SSF profiles them (SSF 1.0 §4, RFC 8417): the claims of one event, and its names.

One event a token, `sub_id` and never `sub`, no `exp`; the header's type is `secevent+jwt`. A session is named as its
own tokens name it (`iss`, `sub`, `sid`), so that a receiver learns nothing that its tokens do not say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, to_seconds

__all__ = [
    "SESSION_REVOKED",
    "STREAM_UPDATED",
    "SUPPORTED",
    "VERIFICATION",
    "Event",
    "Initiator",
    "claims",
    "session_revoked",
    "session_subject",
    "stream_updated",
    "verification",
]

_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
SESSION_REVOKED = f"{_CAEP}session-revoked"
VERIFICATION = f"{_SSF}verification"
STREAM_UPDATED = f"{_SSF}stream-updated"
SUPPORTED = (SESSION_REVOKED,)
"""What a receiver may request; the two of SSF itself come without (SSF 1.0 §8.1.4, §8.1.5)."""


class Initiator(StrEnum):
    """Who brought it about (CAEP 1.0 §2, `initiating_entity`)."""

    ADMIN = "admin"
    USER = "user"
    POLICY = "policy"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Event:
    """One event before it is addressed to a stream."""

    type: str
    subject: Mapping[str, Any]
    """Its `sub_id` (RFC 9493, SSF 1.0 §3)."""
    content: Mapping[str, Any]
    txn: str = ""
    """The same for every token of one cause (RFC 8417 §2.2); opaque."""


def session_subject(issuer: str, user: UserId, session: SessionId) -> dict[str, Any]:
    """A session and whose it is; of a workload, *user* is the object id of its application, as in its tokens."""
    return {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": issuer, "sub": user},
        "session": {"format": "opaque", "id": session},
    }


def session_revoked(subject: Mapping[str, Any], *, at: Instant, by: Initiator, why: str, txn: str) -> Event:
    """
    CAEP 1.0 §3.1. *at* is when it ended; *why* one sentence without names, which the interoperability profile demands.
    """
    content = {"event_timestamp": to_seconds(at), "initiating_entity": by.value, "reason_admin": {"en": why}}
    return Event(SESSION_REVOKED, subject, content, txn)


def verification(stream: str, state: str | None) -> Event:
    """SSF 1.0 §8.1.4.1: *state* goes back as it came."""
    return Event(VERIFICATION, _itself(stream), {} if state is None else {"state": state})


def stream_updated(stream: str, status: str, why: str) -> Event:
    """SSF 1.0 §8.1.5: we changed the status, and nobody asked us to."""
    return Event(STREAM_UPDATED, _itself(stream), {"status": status, "reason": why})


def _itself(stream: str) -> dict[str, str]:
    return {"format": "opaque", "id": stream}


def claims(event: Event, *, issuer: str, audience: str, jti: str, now: Instant) -> dict[str, Any]:
    """The payload of the token that tells *event* to *audience*."""
    told: dict[str, Any] = {
        "iss": issuer, "aud": audience, "jti": jti, "iat": to_seconds(now), "sub_id": event.subject,
        "events": {event.type: event.content},
    }  # fmt: skip
    return {**told, "txn": event.txn} if event.txn else told
