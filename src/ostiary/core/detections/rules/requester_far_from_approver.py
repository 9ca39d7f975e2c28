"""
The machine that would be signed in is far from the person who types its code.

Needs to know where both are: two countries, or coordinates. One address is near itself.
"""

from collections.abc import Iterable

from ostiary.core.access.places import distance
from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, network_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.oddities import Odd

__all__ = ["RULE"]


USUAL = Usual("requester_far_from_approver", network_of, several=3)
"""Networks of machines."""


def _keys(event: Event) -> Iterable[Key]:
    return USUAL.keys(event, event.requester)


def _look(event: Event, past: Past) -> Found | None:
    machine, person = event.requester, event.person
    if event.kind == Kind.REDEEMED:
        USUAL.learn(event, machine, past)
        return None
    how = machine.elsewhere(person)
    if how not in ("country", "far") or USUAL.mine(event, machine, past):
        return None
    known = bool(event.device) or USUAL.ours(event, machine, past)
    at_once = Odd.TYPED_AT_ONCE in event.oddities
    away = distance(machine.place, person.place)
    where = f"in {machine.country}, the person in {person.country}" if how == "country" else f"{away} away"
    return found(
        f"A code was typed far from the machine that asked for it: the machine is {where}."
        + (" It was typed within seconds of being made." if at_once else ""),
        subject=f"{event.user} {machine.network or machine.source}",
        severity=Severity.LOW if known else Severity.HIGH if at_once else None,
        machine=machine.address, machineCountry=machine.country, person=person.address, personCountry=person.country,
        distance=away, typedAtOnce=at_once,
    )  # fmt: skip


RULE = Rule(
    id="requester_far_from_approver",
    title="The machine is far from the person",
    severity=Severity.MEDIUM,
    explanation=(
        "A code was typed or approved in another country than the machine that asked for it, or at least 500 km from "
        "it: how a code is relayed to somebody who is to approve it for a stranger. High where it was typed within "
        "seconds of being made, as kits have it that ask for a code when their link is opened; low where three people "
        "signed in machines of that network before, or the machine is of the inventory; none where the person did. "
        "Before: the last day aside."
    ),
    false_positives=(
        "Machines in distant data centres that people reach by SSH, and people behind a VPN whose exit is elsewhere."
    ),
    watches=frozenset({Kind.CLAIMED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    covers=("sentinel-b64655b6", "lexlabtools-01"),
    needs="a geo file that knows both addresses",
)
