"""
One person's machines become many at once. Needs the owner, which a ticket or an administrator says.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import minutes

__all__ = ["RULE"]

ENROLLED = Memory("many_devices", minutes(15), most=12)
"""Machines of a person."""
MANY = 3


def _keys(event: Event) -> Iterable[Key]:
    yield ENROLLED.of(event.text("owner"))


def _look(event: Event, past: Past) -> Found | None:
    owner = event.text("owner")
    if not owner:
        return None
    past.know(ENROLLED.of(owner), event.target)
    machines = [mark.value[0] for mark in past.of(ENROLLED.of(owner))]
    if len(machines) < MANY:
        return None
    return found(
        f"{len(machines)} machines were enrolled for one person within a quarter of an hour.",
        subject=owner, user=owner, machines=machines, address=event.side.address,
    )  # fmt: skip


RULE = Rule(
    id="many_devices",
    title="Many machines of one person",
    severity=Severity.MEDIUM,
    explanation="Three machines or more were enrolled for one person within a quarter of an hour.",
    false_positives="Somebody who sets up a room full of machines under their name.",
    watches=frozenset({Kind.DEVICE_ASKED, Kind.DEVICE_ADMITTED, Kind.DEVICE_REGISTERED}),
    look=_look,
    keys=_keys,
    covers=("elastic-960b1cef",),
)
