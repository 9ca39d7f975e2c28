"""
A machine that is not of the inventory, of a person whose machines are. Needs an inventory that is used.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

REGISTERED = Memory("unknown_machine", days(30), most=4)
"""Machines of the inventory that a person signed in on."""
ENOUGH = 2
"""Sign-ins on such machines that make a habit."""


def _keys(event: Event) -> Iterable[Key]:
    yield REGISTERED.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user:
        return None
    facts = event.inner("facts")
    key = REGISTERED.of(event.user)
    if event.device:
        past.mark(key, event.device)
        device = facts.get("requesterDevice")
        fallen = isinstance(device, dict) and device.get("managed") is True and device.get("compliant") is False
        if not fallen:
            return None
        return found(
            "Somebody signed in on a machine that is managed and does not comply.",
            subject=f"{event.user} {event.device}", device=event.device, compliant=False, address=event.side.address,
        )  # fmt: skip
    none = "requesterDevice" in facts and facts["requesterDevice"] is None  # known to be none, not unknown
    if not none or len(past.of(key)) < ENOUGH:
        return None
    return found(
        "Somebody whose machines are in the inventory signed in on one that is not.",
        subject=event.user, severity=Severity.MEDIUM, address=event.side.address, country=event.side.country,
    )  # fmt: skip


RULE = Rule(
    id="unknown_machine",
    title="A machine that is not of the inventory, or does not comply",
    severity=Severity.LOW,
    explanation=(
        "A person who signs in on machines of the inventory did so on one that is not in it (medium), or on a managed "
        "one that does not comply."
    ),
    false_positives="A machine that nobody enrolled yet.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("sigma-4d136857", "sigma-4f77e1d7", "kqlsearch-e0f6a8b9", "elastic-7e2abdb3"),
    needs="an inventory of machines",
)
