"""
Break-glass. Needs nothing beside the entry.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

GLASS = Memory("break_glass_used", days(31), most=1)
"""Exemptions that are break-glass ones."""


def _keys(event: Event) -> Iterable[Key]:
    yield GLASS.of(event.exemption)


def _look(event: Event, past: Past) -> Found | None:
    key = GLASS.of(event.exemption)
    if event.kind == Kind.REDEEMED:
        if not event.exemption or not past.of(key):
            return None
        text = "Somebody signed in by a break-glass exemption."
    elif event.told("break_glass"):
        past.know(key)
        text = "Somebody broke glass: an exemption that nobody else approves."
    else:
        return None
    return found(
        text, subject=f"{event.exemption} {event.kind}", by=event.actor, why=event.reason, address=event.side.address
    )


RULE = Rule(
    id="break_glass_used",
    title="Glass was broken",
    severity=Severity.HIGH,
    explanation=(
        "Somebody opened a break-glass exemption, for themselves or another, or signed in by one. Each use owes a "
        "review in writing."
    ),
    false_positives="An emergency: that is what it is for; the review says so.",
    watches=frozenset({Kind.EXEMPTION_OPENED, Kind.REQUEST_MADE, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
)
