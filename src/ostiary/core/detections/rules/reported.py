"""
The person said that they did not start it (R11). Needs nothing beside the entry.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

REPORTERS = Memory("reported", days(7))
"""Who reported a source."""


def _keys(event: Event) -> Iterable[Key]:
    yield REPORTERS.of(event.requester.source)


def _look(event: Event, past: Past) -> Found:
    source = REPORTERS.of(event.requester.source)
    if event.requester.source:
        past.know(source, event.user)
    reporters = len(past.of(source)) or 1
    more = f" {reporters} people reported that source within seven days." if reporters > 1 else ""
    where = event.requester.address or "an unknown address"
    return found(
        f"Somebody was led to a sign-in that they had not started, from {where}.{more}",
        subject=event.story, address=event.requester.address, agent=event.requester.agent, reporters=reporters,
        codeWasRedeemed=event.redeemed is not None,
    )  # fmt: skip


RULE = Rule(
    id="reported",
    title="A person reported a sign-in",
    severity=Severity.HIGH,
    explanation=(
        "Somebody chose “I did not start this” at the page where a code is approved: whoever had started it wanted "
        "their sign-in."
    ),
    false_positives="A person who forgot that they had started it, or who chose the wrong button.",
    watches=frozenset({Kind.REPORTED}),
    look=_look,
    keys=_keys,
)
