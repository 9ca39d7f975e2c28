"""
The machine is in a network that rents out computers to anybody. Needs the network's operator by name.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, network_of
from ostiary.core.logs.kinds import Kind

__all__ = ["RULE"]


USUAL = Usual("requester_on_hosting_network", network_of, several=3)
"""Networks of machines."""


def _keys(event: Event) -> Iterable[Key]:
    return USUAL.keys(event, event.requester)


def _look(event: Event, past: Past) -> Found | None:
    machine, person = event.requester, event.person
    if event.kind == Kind.REDEEMED:
        USUAL.learn(event, machine, past)
        return None
    if not machine.hosted or USUAL.mine(event, machine, past):
        return None
    known = bool(event.device) or USUAL.ours(event, machine, past)
    apart = machine.elsewhere(person) == "network" and not person.hosted  # farther: another rule tells it
    return found(
        f"A code was typed for a machine in a network that rents out computers to anybody ({machine.operator}).",
        subject=event.story, severity=Severity.MEDIUM if apart and not known else None, machine=machine.address,
        operator=machine.operator, network=machine.network, country=machine.country, personElsewhere=apart,
    )  # fmt: skip


RULE = Rule(
    id="requester_on_hosting_network",
    title="The machine is in a hosting network",
    severity=Severity.LOW,
    explanation=(
        "The machine that asked for the code is in a network that rents out computers to anybody, where kits run, and "
        "the person did not sign in a machine there within 30 days, the last day aside. Medium where the person is in "
        "another network nearby (farther: that is `requester_far_from_approver`) and fewer than three people did."
    ),
    false_positives="Build servers, cloud shells and virtual machines of one's own, the first time.",
    watches=frozenset({Kind.CLAIMED, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("elastic-d27f1da8",),
    needs="a geo file that names the operators of networks",
)
