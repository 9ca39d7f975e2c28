"""
A machine of the inventory falls out of compliance, or is managed no more. Needs nothing beside the entry.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind

__all__ = ["RULE"]


def _look(event: Event, past: Past) -> Found | None:
    before, after_ = event.inner("before"), event.inner("after")
    lost = [name for name in ("compliant", "managed") if before.get(name) is True and after_.get(name) is False]
    if not lost:
        return None
    return found(
        f"The machine {event.text('name') or event.target} is not {' and not '.join(lost)} any more.",
        subject=event.target, lost=lost, by=event.actor, target=event.target,
    )  # fmt: skip


RULE = Rule(
    id="device_no_longer_compliant",
    title="A machine does not comply any more",
    severity=Severity.LOW,
    explanation="A machine of the inventory was compliant or managed, and is not any more.",
    false_positives="Updates that wait, machines that are handed on.",
    watches=frozenset({Kind.DEVICE_COMPLIANCE, Kind.DEVICE_CHANGED}),
    look=_look,
    covers=("sigma-542b9912",),
)
