"""
A machine in an autonomous system where the person never signed one in. Needs the network of its address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

KNOWN = Memory("first_network", days(30), most=32)
"""Networks of a person's machines."""


def _keys(event: Event) -> Iterable[Key]:
    yield KNOWN.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    network = event.side.network
    if not event.user or not network:
        return None
    known = KNOWN.of(event.user)
    before = len(past.of(known))
    if past.know(known, str(network)) or not before:
        return None
    who = event.user_name or "Somebody"
    return found(
        f"{who} signed in a machine in a network that is new for them (AS{network} {event.side.operator}).",
        subject=f"{event.user} {network}", network=network, operator=event.side.operator, known=before,
        address=event.side.address,
    )  # fmt: skip


RULE = Rule(
    id="first_network",
    title="A machine in a new network",
    severity=Severity.LOW,
    explanation=(
        "A code was redeemed from an autonomous system where the person had not signed in a machine within 30 days."
    ),
    false_positives="Mobile carriers, home offices, new providers of machines.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("sentinel-562647c0", "elastic-ed2461e1"),
    needs="a geo file of networks",
)
