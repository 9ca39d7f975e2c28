"""
An application that the person never signed in to with a code. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

KNOWN = Memory("first_client_for_user", days(90), most=32)
"""Applications of a person."""


def _keys(event: Event) -> Iterable[Key]:
    yield KNOWN.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user or not event.client:
        return None
    known = KNOWN.of(event.user)
    others = len(past.of(known))
    if past.know(known, event.client) or not others:  # the very first one is another rule's
        return None
    return found(
        f"{event.user_name or 'Somebody'} signed in to {event.client_name or event.client} with a code for the first "
        "time in 90 days, and to others before.",
        subject=f"{event.user} {event.client}", application=event.client, others=others,
    )  # fmt: skip


RULE = Rule(
    id="first_client_for_user",
    title="A person's first device sign-in to an application",
    severity=Severity.LOW,
    explanation=(
        "A code was redeemed for an application that the person had not signed in to so within 90 days, though to "
        "others: kits choose the application that gives them most."
    ),
    false_positives="A person who begins to work with another tool.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("elastic-b54528ca",),
)
