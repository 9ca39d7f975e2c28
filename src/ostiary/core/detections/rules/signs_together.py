"""
Signs that are weak alone, weighed together for one sign-in of a person of settled habits.

Needs to know who runs the machine's network: without, a rented machine looks like somebody's line. A sign that is not
known is none.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network

from ostiary.core.detections.event import Event, Side
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules.prompts_at_night import asleep
from ostiary.core.detections.usual import Usual, network_of, source_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, to_datetime

__all__ = ["RULE"]


class Sign(StrEnum):
    """What is odd, and often enough harmless."""

    NOBODY_THERE = "nobody-there"
    SITS_ELSEWHERE = "sits-elsewhere"
    SITS_AS_USUAL = "sits-as-usual"
    NEW_NETWORK = "new-network"
    NIGHT = "night"
    PROGRAM = "unknown-program"


WEIGHTS = {
    Sign.NOBODY_THERE: 2, Sign.SITS_ELSEWHERE: 2, Sign.SITS_AS_USUAL: 1, Sign.NEW_NETWORK: 1, Sign.NIGHT: 1,
    Sign.PROGRAM: 1,
}  # fmt: skip
ODD, ALARM = 3, 4
"""What the signs of a sign-in weigh together that is told, and that is an alarm: no sign is either by itself."""
_WORDS = {
    Sign.NOBODY_THERE: "nobody of the organisation was ever near the machine's address",
    Sign.SITS_ELSEWHERE: "the person sits where their machines are, and this one is not there",
    Sign.SITS_AS_USUAL: "the person is at an address of their own where they usually are, and the machine is not",
    Sign.NEW_NETWORK: "they never were in the machine's network",
    Sign.NIGHT: "it is night, when they never sign in",
    Sign.PROGRAM: "no machine here called itself so before",
}
HABIT = Memory("signs_together.habit", days(30), most=8)
"""Sign-ins of a person: so many make a habit."""
NEW = Memory("signs_together.new", days(30), most=3)
"""Addresses of machines elsewhere, where nobody was before; so many make a further one no wonder."""
HOURS = Memory("signs_together.hours", days(60), most=24)
"""Hours of the day (UTC) at which a person typed codes."""
_BITS = {4: 24, 6: 48}


def _block(side: Side) -> str:
    """The /24 or /48 around its address, or empty: a line's next address, and the next server of a rack."""
    return _around(side.address)


@lru_cache(maxsize=4096)  # pure, and asked several times of each sign-in
def _around(address: str) -> str:
    try:
        return str(ip_network((address, _BITS[ip_address(address).version]), strict=False))
    except ValueError:
        return ""


def _program(side: Side) -> str:
    """What it calls itself, without the version; or empty."""
    return side.agent.partition("/")[0].strip().lower()


MACHINES = Usual("signs_together.machine", source_of, several=3)
"""Where machines are: at home each person's own, in an office several people's. Behind the exit of a VPN is none."""
PLACES = Usual("signs_together.place", source_of, several=1)
BLOCKS = Usual("signs_together.block", _block, several=3)
NETWORKS = Usual("signs_together.network", network_of, several=0)
"""Where machines and people are, by address, by what is around it, and by network."""
PROGRAMS = Usual("signs_together.program", _program, several=1)
"""What machines call themselves."""
_EVERYBODY = (PLACES, BLOCKS, NETWORKS)


def _keys(event: Event) -> Iterable[Key]:
    for usual in _EVERYBODY:
        yield from usual.keys(event, event.side)
    if event.kind == Kind.REDEEMED:
        yield from (HABIT.of(event.user), NEW.of(event.user), HOURS.of(event.user))
        yield from (*PROGRAMS.keys(event, event.side), *MACHINES.keys(event, event.side))
        for usual in (*_EVERYBODY, MACHINES):
            yield from usual.keys(event, event.person)


def _signs(event: Event, hour: int | None, past: Past) -> list[Sign]:
    machine, person = event.side, event.person
    line = bool(machine.operator) and not machine.hosted  # rented machines come and go, and other rules tell of them
    nobody = not PLACES.ours(event, machine, past) and not _near(event, past)
    # a machine beside its person may go out by IPv6 while the browser takes IPv4
    seat = (":" in machine.address) == (":" in person.address)
    stand = MACHINES.mine(event, person, past) or MACHINES.ours(event, person, past)
    own = PLACES.mine(event, person, past) and not BLOCKS.ours(event, person, past)
    new = machine.elsewhere(person) == "network" and not NETWORKS.mine(event, machine, past)
    seen = {
        Sign.NOBODY_THERE: line and nobody,
        Sign.SITS_ELSEWHERE: seat and stand,
        Sign.SITS_AS_USUAL: seat and own and not stand,
        Sign.NEW_NETWORK: line and new,
        Sign.NIGHT: hour is not None,
        Sign.PROGRAM: bool(_program(machine)) and not PROGRAMS.ours(event, machine, past),
    }
    return [sign for sign, there in seen.items() if there]


def _near(event: Event, past: Past) -> bool:
    return BLOCKS.mine(event, event.side, past) or BLOCKS.ours(event, event.side, past)


def _learn(event: Event, past: Past) -> None:
    for usual in (*_EVERYBODY, MACHINES, PROGRAMS):
        usual.learn(event, event.side, past)
    for usual in _EVERYBODY:
        usual.learn(event, event.person, past)


def _look(event: Event, past: Past) -> Found | None:
    if event.kind == Kind.SIGNED_IN:
        for usual in _EVERYBODY:
            usual.learn(event, event.side, past)
        return None
    machine, person = event.side, event.person
    if not event.user or not machine.source:
        return None
    apart = bool(person.source) and machine.source != person.source
    habit, new, hours = HABIT.of(event.user), NEW.of(event.user), HOURS.of(event.user)
    known = {int(mark.value[0]) for mark in past.of(hours)}
    typed = event.at if event.claimed is None else event.claimed
    hour = asleep(typed, person.place, known)
    signs = _signs(event, hour, past)
    settled = len(past.of(habit)) >= HABIT.most and len(past.of(new)) < NEW.most
    past.mark(habit)
    past.know(hours, str(to_datetime(typed).hour))
    if apart and Sign.NOBODY_THERE in signs:
        past.know(new, machine.source)
    _learn(event, past)
    far = machine.elsewhere(person) in ("country", "far")  # another rule's, before the redemption
    weight = sum(WEIGHTS[sign] for sign in signs)
    if not settled or not apart or far or event.device or weight < ODD:
        return None
    who, words = event.user_name or "Somebody", "; ".join(_WORDS[sign] for sign in signs)
    return found(
        f"{who} signed in a machine, and what is odd about it weighs {weight} together: {words}.",
        subject=f"{event.user} {machine.source}", severity=Severity.MEDIUM if weight >= ALARM else None,
        signs=[str(sign) for sign in signs], weight=weight, address=machine.address, network=machine.network,
        operator=machine.operator, program=_program(machine), person=person.address,
        hour="" if hour is None else hour,
    )  # fmt: skip


RULE = Rule(
    id="signs_together",
    title="Several weak signs at one sign-in",
    severity=Severity.LOW,
    explanation=(
        "A code was redeemed for a person of settled habits on a machine elsewhere in the same country, and several "
        "things about it are odd: nobody of the organisation was near its address (2); the person sits where machines "
        "of theirs, or of three people, are, and this one is not (2), or else at an address of their own where they "
        "usually are (1); they were never in its network (1); it is night and they never sign in then (1); no machine "
        "called itself so before (1). Low from a weight of 3, medium from 4. Settled are eight sign-ins within 30 "
        "days, at most two addresses of machines elsewhere where nobody was. What was first seen within the last day "
        "counts as never seen. A machine of the inventory is left alone; a rented one is neither in a place where "
        "nobody was nor in a new network."
    ),
    false_positives="The first sign-in on a machine at a customer's, or at somebody else's home.",
    watches=frozenset({Kind.REDEEMED, Kind.SIGNED_IN}),
    look=_look,
    keys=_keys,
    needs="a geo file that names the operators of networks; one with coordinates for the night",
)
