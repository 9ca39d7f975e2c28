"""
Policy stops one person again and again. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Reason

__all__ = ["RULE"]

BLOCKED = Memory("blocked_often", hours(1), most=16)
"""Sign-ins of a person that policy stopped."""
MANY = 5


def _keys(event: Event) -> Iterable[Key]:
    yield BLOCKED.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user or (event.kind != Kind.BLOCKED and event.reason != Reason.BLOCKED.value):
        return None
    key = BLOCKED.of(event.user)
    past.know(key, event.story, event.requester.source)
    marks = past.of(key)
    if len(marks) < MANY:
        return None
    return found(
        f"Policy stopped {len(marks)} sign-ins of one person within an hour.",
        subject=event.user, times=len(marks), sources=sorted({mark.value[1] for mark in marks}),
    )  # fmt: skip


RULE = Rule(
    id="blocked_often",
    title="Policy stops somebody again and again",
    severity=Severity.MEDIUM,
    explanation=(
        "Policy stopped five sign-ins of one person within an hour, at the page or at the last moment: somebody tries "
        "with their session what it does not allow."
    ),
    false_positives="A person without an exemption who tries again and again.",
    watches=frozenset({Kind.BLOCKED, Kind.REDEMPTION_REFUSED, Kind.REFRESH_REFUSED}),
    look=_look,
    keys=_keys,
    covers=("sentinel-ca-blocked-spikes",),
    once=hours(6),
)
