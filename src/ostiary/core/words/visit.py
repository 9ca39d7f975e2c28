"""
A visit: all that is known of one request before anybody decides about it.

Made at the porch (`web/front`) or by the job runner, frozen, handed down to every deed and step. It is their only
clock.
"""

from dataclasses import dataclass

from ostiary.core.words.caller import NOBODY, Caller
from ostiary.core.words.instants import Instant
from ostiary.core.words.proof import NOTHING_PROVED, Proof


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: when, under which reference, from where, by whom."""

    now: Instant
    id: str
    """Our own id of this request (a GUID): `trace_id` in answers, the reference that people quote."""
    correlation: str = ""
    """
    What the client asked to see again (`client-request-id`), or our id. Never used to join log entries: a client
    could forge it.
    """
    address: str = ""
    """The peer's IP address in its canonical text, after R13; empty for the local door and for jobs."""
    agent: str = ""
    """User-Agent, cut at 512 characters."""
    caller: Caller = NOBODY
    reason: str = ""
    """Why, in the caller's words, where the request says so: it stands in every entry about a change."""
    proof: Proof = NOTHING_PROVED
    """The key that the sender proved to hold."""
