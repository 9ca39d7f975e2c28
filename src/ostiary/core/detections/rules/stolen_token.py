"""
A token or code came that only a copy can be: used before, or without the key that it is bound to (R6, R12, R14). Needs
nothing beside the entry.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason

__all__ = ["RULE"]

WORDS = {
    Kind.REUSED: "A refresh token came again after it had been replaced; its session was ended.",
    Kind.REPLAYED: "A device code came again after it had been redeemed; what it gave was ended.",
    Kind.WRONG_KEY: "What is bound to a key was asked for with another key, or without.",
}


def _look(event: Event, past: Past) -> Found | None:
    if event.kind == Kind.WRONG_KEY and event.reason != Reason.WRONG_KEY.value:
        return None  # a certificate that ran out, a proof that is missing: no other key
    keyless = event.kind == Kind.WRONG_KEY
    return found(
        WORDS[Kind(event.kind)], subject=f"{event.story} {event.kind}", severity=Severity.MEDIUM if keyless else None,
        address=event.side.address, country=event.side.country, agent=event.side.agent,
        machine=event.requester.address,
    )  # fmt: skip


RULE = Rule(
    id="stolen_token",
    title="A copy of a token or code",
    severity=Severity.HIGH,
    explanation=(
        "A refresh token that had been replaced, a device code that had been redeemed, or one bound to a key without "
        "that key (medium): somebody else holds a copy. Where it could have been used, the session was ended."
    ),
    false_positives=(
        "A token cache restored from a backup, or shared by programs that do not lock it; a client that lost its key."
    ),
    watches=frozenset({Kind.REUSED, Kind.REPLAYED, Kind.WRONG_KEY}),
    look=_look,
)
