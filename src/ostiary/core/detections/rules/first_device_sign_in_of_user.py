"""
A person's first device sign-in since long. Needs nothing beside the journal, which must go back as far.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

SIGNED_IN = Memory("first_device_sign_in_of_user", days(90), most=1)
"""When a person signed in so last."""


def _keys(event: Event) -> Iterable[Key]:
    yield SIGNED_IN.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user or past.know(SIGNED_IN.of(event.user)):
        return None
    return found(
        f"{event.user_name or 'Somebody'} signed in a device for the first time in 90 days.",
        subject=event.user, address=event.side.address, country=event.side.country, application=event.client_name,
    )  # fmt: skip


RULE = Rule(
    id="first_device_sign_in_of_user",
    title="A person's first device sign-in",
    severity=Severity.LOW,
    explanation="A code was redeemed for somebody who had not signed in a device within the 90 days before.",
    false_positives="Everybody has a first time: new people, and every person in the first weeks of a new service.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("elastic-af22d970", "panther-first-time", "newton-paul-2025-043", "dstreefkerk"),
)
