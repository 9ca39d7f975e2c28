"""
The machine that would be signed in is far from the person who types its code.

Needs to know where both are: two countries, or coordinates. One address is near itself.
"""

from ostiary.core.access.places import distance
from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.oddities import Odd

__all__ = ["RULE"]


def _look(event: Event, past: Past) -> Found | None:
    machine, person = event.requester, event.person
    how = machine.elsewhere(person)
    if how not in ("country", "far"):
        return None
    at_once = Odd.TYPED_AT_ONCE in event.oddities
    away = distance(machine.place, person.place)
    where = f"in {machine.country}, the person in {person.country}" if how == "country" else f"{away} away"
    return found(
        f"A code was typed far from the machine that asked for it: the machine is {where}."
        + (" It was typed within seconds of being made." if at_once else ""),
        subject=event.story,
        severity=Severity.HIGH if at_once else None,
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
        "seconds of being made, as kits have it that ask for a code when their link is opened."
    ),
    false_positives=(
        "Machines in distant data centres that people reach by SSH, and people behind a VPN whose exit is elsewhere."
    ),
    watches=frozenset({Kind.CLAIMED, Kind.APPROVED, Kind.EXEMPTION_AWAITED}),
    look=_look,
    covers=("sentinel-b64655b6", "lexlabtools-01"),
    needs="a geo file that knows both addresses",
)
