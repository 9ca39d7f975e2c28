"""
The machine is in a network that rents out computers to anybody. Needs the network's operator by name.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind

__all__ = ["RULE"]


def _look(event: Event, past: Past) -> Found | None:
    machine, person = event.requester, event.person
    if not machine.hosted:
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
        "The machine that asked for the code is in a network that rents out computers to anybody, where kits run. "
        "Medium where the person is known to be elsewhere, in a network of another kind."
    ),
    false_positives="Build servers, cloud shells and virtual machines of one's own.",
    watches=frozenset({Kind.CLAIMED}),
    look=_look,
    covers=("elastic-d27f1da8",),
    needs="a geo file that names the operators of networks",
)
