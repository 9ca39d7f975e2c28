"""
A machine that is not of the inventory, of a person whose machines are. Needs an inventory that is used.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, network_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

REGISTERED = Memory("unknown_machine", days(30), most=8)
"""Machines of the inventory that a person signed in on."""
ENOUGH = 8
"""Sign-ins on such machines that make a habit."""


USUAL = Usual("unknown_machine", network_of, several=3)
"""Networks of machines: in a rented one that several people use, machines come and go."""


def _keys(event: Event) -> Iterable[Key]:
    return REGISTERED.of(event.user), *USUAL.keys(event, event.side)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user:
        return None
    facts = event.inner("facts")
    key = REGISTERED.of(event.user)
    ours = event.side.hosted and USUAL.ours(event, event.side, past)
    USUAL.learn(event, event.side, past)
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
    if not none:
        return None
    before = past.of(key)
    past.mark(key, "")
    if len(before) < ENOUGH or any(not mark.value[0] for mark in before):
        return None  # a habit of both is none
    return found(
        "Somebody whose machines are in the inventory signed in on one that is not.",
        subject=event.user, severity=Severity.LOW if ours else Severity.MEDIUM, address=event.side.address,
        country=event.side.country,
    )  # fmt: skip


RULE = Rule(
    id="unknown_machine",
    title="A machine that is not of the inventory, or does not comply",
    severity=Severity.LOW,
    explanation=(
        "A person whose last eight sign-ins were on machines of the inventory did so on one that is not in it (medium; "
        "low in a rented network that three people use), or on a managed one that does not comply."
    ),
    false_positives="A machine that nobody enrolled yet.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("sigma-4d136857", "sigma-4f77e1d7", "kqlsearch-e0f6a8b9", "elastic-7e2abdb3"),
    needs="an inventory of machines",
)
