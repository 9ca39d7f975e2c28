"""
A machine in an autonomous system where the person never signed one in. Needs the network of its address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, network_of, source_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

KNOWN = Memory("first_network", days(30), most=32)
"""Networks of a person's machines."""


AT = Usual("first_network.person", network_of, several=1)
"""Networks of people."""
GATES = Usual("first_network.gate", source_of, several=3)
"""Addresses behind which several people are: an office, a VPN. Whoever is there may be anywhere."""
CLOUDS, MACHINES = (
    Usual("first_network.cloud", network_of, several=3),
    Usual("first_network.machine", source_of, several=1),
)
"""Networks that are rented, and machines anywhere."""
HABIT = Memory("first_network.habit", days(30), most=8)
"""Sign-ins of a person: so many make a habit."""
RESTLESS = 4
"""Networks of a person's machines that make a new one no wonder."""


def _keys(event: Event) -> Iterable[Key]:
    side = event.side
    return (
        KNOWN.of(event.user), HABIT.of(event.user), *AT.keys(event, event.person),
        *GATES.keys(event, event.person), *CLOUDS.keys(event, side), *MACHINES.keys(event, side)
    )  # fmt: skip


def _strange(event: Event, known: int, past: Past) -> bool:
    """Whether the person is where they usually are, and the machine is where nobody's is."""
    side, person = event.side, event.person
    settled = CLOUDS.ours(event, side, past) if side.hosted else MACHINES.ours(event, side, past)
    here = AT.mine(event, person, past) and side.elsewhere(person) == "network"  # farther: others tell it earlier
    habit = len(past.of(HABIT.of(event.user))) >= HABIT.most
    gate = GATES.ours(event, person, past)
    return here and habit and not gate and not settled and not event.device and known < RESTLESS


def _learn(event: Event, past: Past) -> None:
    past.mark(HABIT.of(event.user))
    AT.learn(event, event.person, past)
    GATES.learn(event, event.person, past)
    CLOUDS.learn(event, event.side, past)
    MACHINES.learn(event, event.side, past)


def _look(event: Event, past: Past) -> Found | None:
    network = event.side.network
    if not event.user or not network:
        return None
    known = KNOWN.of(event.user)
    before = len(past.of(known))
    strange = _strange(event, before, past)
    _learn(event, past)
    if past.know(known, str(network)) or not before:
        return None
    who = event.user_name or "Somebody"
    return found(
        f"{who} signed in a machine in a network that is new for them (AS{network} {event.side.operator}).",
        subject=f"{event.user} {network}", severity=Severity.MEDIUM if strange else None, network=network,
        operator=event.side.operator, known=before,
        address=event.side.address,
    )  # fmt: skip


RULE = Rule(
    id="first_network",
    title="A machine in a new network",
    severity=Severity.LOW,
    explanation=(
        "A code was redeemed from an autonomous system where the person had not signed in a machine within 30 days. "
        "Medium where the person, of settled habits, is at a place of their own where they usually are, and the "
        "machine is in another network of the same country, where nobody was signed in before and which is not of the "
        "inventory."
    ),
    false_positives="Mobile carriers, home offices, new providers of machines.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("sentinel-562647c0", "elastic-ed2461e1"),
    needs="a geo file of networks",
)
