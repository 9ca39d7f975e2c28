"""
An exemption was approved and never used. Needs nothing beside the entry.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

TIMES = Memory("approved_unused", days(30), most=8)


def _keys(event: Event) -> Iterable[Key]:
    yield TIMES.of(event.user)


def _look(event: Event, past: Past) -> Found:
    past.mark(TIMES.of(event.user))
    times = len(past.of(TIMES.of(event.user)))
    again = f", for the {times}th time in 30 days" if times > 3 else ""
    return found(
        f"An exemption was approved and not used before its time was over{again}.",
        subject=event.exemption or event.user, times=times,
    )  # fmt: skip


RULE = Rule(
    id="approved_unused",
    title="Approved and not used",
    severity=Severity.LOW,
    explanation=(
        "An exemption was approved, and nobody signed in before its start window closed: it was not needed, or "
        "somebody prepared something and was kept from it."
    ),
    false_positives="Plans change.",
    watches=frozenset({Kind.EXEMPTION_UNUSED}),
    look=_look,
    keys=_keys,
)
