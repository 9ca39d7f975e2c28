"""
The machine is in a network that rents out computers to anybody. Needs the network's operator by name.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import remember, usual
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]


USUAL = Memory("requester_on_hosting_network", days(60), most=24)
"""Networks of a person's machines."""


def _keys(event: Event) -> Iterable[Key]:
    yield USUAL.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    machine, person, key = event.requester, event.person, USUAL.of(event.user)
    if event.kind == Kind.REDEEMED:
        if event.user:
            remember(event, past, key)
        return None
    if not machine.hosted or usual(machine, past, key):
        return None
    apart = bool(machine.elsewhere(person)) and not person.hosted
    return found(
        f"A code was typed for a machine in a network that rents out computers to anybody ({machine.operator}).",
        subject=event.story, severity=Severity.MEDIUM if apart else None, machine=machine.address,
        operator=machine.operator, network=machine.network, country=machine.country, personElsewhere=apart,
    )  # fmt: skip


RULE = Rule(
    id="requester_on_hosting_network",
    title="The machine is in a hosting network",
    severity=Severity.LOW,
    explanation=(
        "The machine that asked for the code is in a network that rents out computers to anybody, where kits run, and "
        "the person did not sign in a machine there within 60 days, the last day aside. Medium where the person is "
        "known to be elsewhere, in a network of another kind."
    ),
    false_positives="Build servers, cloud shells and virtual machines of one's own, the first time.",
    watches=frozenset({Kind.CLAIMED, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("elastic-d27f1da8",),
    needs="a geo file that names the operators of networks",
)
