"""
A machine in a country where the person never signed one in. Needs the country of its address.
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

KNOWN = Memory("first_country", days(180), most=24)
"""Countries of a person's machines."""


USUAL = Usual("first_country", network_of, several=3)
"""Networks of machines."""


def _keys(event: Event) -> Iterable[Key]:
    return KNOWN.of(event.user), *USUAL.keys(event, event.side)


def _look(event: Event, past: Past) -> Found | None:
    country = event.side.country
    if not event.user or not country:
        return None
    told = bool(event.person.country)  # there too: a journey; elsewhere: `requester_far_from_approver` tells it earlier
    expected = bool(event.device) or told or USUAL.ours(event, event.side, past)
    USUAL.learn(event, event.side, past)
    known = KNOWN.of(event.user)
    before = sorted(mark.value[0] for mark in past.of(known))
    if past.know(known, country) or not before:
        return None
    return found(
        f"{event.user_name or 'Somebody'} signed in a machine in {country} for the first time "
        f"(before: {', '.join(before[:5])}).",
        subject=f"{event.user} {country}", severity=Severity.LOW if expected else None, country=country,
        known=before, address=event.side.address,
    )  # fmt: skip


RULE = Rule(
    id="first_country",
    title="A machine in a new country",
    severity=Severity.MEDIUM,
    explanation=(
        "A code was redeemed from a country where the person had not signed in a machine within 180 days. Low where it "
        "is known where the person is (there too, or told by `requester_far_from_approver`), where three people signed "
        "in machines of that network before, or for a machine of the inventory."
    ),
    false_positives="Journeys, new data centres, and a VPN whose exit moved.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    needs="a geo file of countries",
)
