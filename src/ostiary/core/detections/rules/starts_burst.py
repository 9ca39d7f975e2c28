"""
Many codes from one source. Needs its address only; sources that proved a machine of the inventory count as others do.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, minutes

__all__ = ["RULE"]

MANY = 12
"""Codes, or refused tries, of one source within ten minutes that are many; people need one or two."""
STARTS = Memory("starts_burst", minutes(10), most=MANY)


def _keys(event: Event) -> Iterable[Key]:
    yield STARTS.of(event.side.source)


def _look(event: Event, past: Past) -> Found | None:
    if not event.side.source:
        return None
    source = STARTS.of(event.side.source)
    counted = event.kind == Kind.STARTS_REFUSED
    past.mark(source, event.client[:64], "issued" if event.kind == Kind.STARTED else "refused")
    marks = past.of(source)
    if len(marks) < MANY and not counted:
        return None
    clients = sorted({mark.value[0] for mark in marks} - {""})
    issued = sum(mark.value[1] == "issued" for mark in marks)
    times = f"{event.number('count')} refused tries within a minute" if counted else f"{MANY} codes in ten minutes"
    return found(
        f"{event.side.source} asked for many codes: {times}.",
        subject=event.side.source, source=event.side.source, clients=clients, issued=issued, asked=len(marks),
        hosted=event.side.hosted,
    )  # fmt: skip


RULE = Rule(
    id="starts_burst",
    title="Many codes from one source",
    severity=Severity.MEDIUM,
    explanation=(
        f"One source asked for {MANY} codes or more within ten minutes, or was refused so often that the tries were "
        "only counted: kits that make a code for each click of a link, or somebody who looks for what may start."
    ),
    false_positives=(
        "A pool of machines behind one address that starts at the same hour; a script that tries again and again."
    ),
    watches=frozenset({Kind.STARTED, Kind.START_REFUSED, Kind.STARTS_REFUSED}),
    look=_look,
    keys=_keys,
    once=days(1),
)
