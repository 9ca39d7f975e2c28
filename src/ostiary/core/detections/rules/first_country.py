"""
A machine in a country where the person never signed one in. Needs the country of its address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

KNOWN = Memory("first_country", days(180), most=24)
"""Countries of a person's machines."""


def _keys(event: Event) -> Iterable[Key]:
    yield KNOWN.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    country = event.side.country
    if not event.user or not country:
        return None
    known = KNOWN.of(event.user)
    before = sorted(mark.value[0] for mark in past.of(known))
    if past.know(known, country) or not before:
        return None
    return found(
        f"{event.user_name or 'Somebody'} signed in a machine in {country} for the first time "
        f"(before: {', '.join(before[:5])}).",
        subject=f"{event.user} {country}", country=country, known=before, address=event.side.address,
    )  # fmt: skip


RULE = Rule(
    id="first_country",
    title="A machine in a new country",
    severity=Severity.MEDIUM,
    explanation="A code was redeemed from a country where the person had not signed in a machine within 180 days.",
    false_positives="Journeys, new data centres, and a VPN whose exit moved.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    needs="a geo file of countries",
)
