"""
What is odd about a sign-in that somebody is asked to approve (RFC 10027 §6.1, M1 and M14): from facts to a list.

A tag is never reused: the journal keeps it. What nobody knows is not odd; the page says plainly that it is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.access.facts import Place
from ostiary.core.access.places import distance, far_apart, hosting
from ostiary.core.words.instants import Span, seconds
from ostiary.core.words.said import said

AT_ONCE = seconds(45)
"""A code that was typed so soon was made for the person who typed it: kits ask for one when their link is opened."""

_STEER = said(
    "The code was made at your own address. If that machine has a browser, deny this and sign in with the browser "
    "there: ostiary login --browser, or what the application offers."
)


class Odd(StrEnum):
    """What is odd, in the order in which it is told."""

    TYPED_AT_ONCE = "typed-at-once"
    OTHER_COUNTRY = "other-country"
    FAR_AWAY = "far-away"
    HOSTING = "hosting-network"
    OTHER_NETWORK = "other-network"
    FIRST_COUNTRY = "first-country"
    FIRST_APPLICATION = "first-application"
    FIRST_MACHINE = "first-machine"
    SAME_DEVICE = "same-device"


@dataclass(frozen=True, slots=True)
class Oddity:
    """One odd thing, with the sentence that the page shows."""

    tag: Odd
    text: str


@dataclass(frozen=True, slots=True)
class Before:
    """What this person signed in with a code before, as far as it is remembered."""

    application: bool = False
    """This application, from anywhere."""
    machine: bool = False
    """From this address."""
    countries: frozenset[str] = frozenset()
    """Where the machines were, as far as anybody knows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts: where both sides are, how fast the code was typed, what was before."""

    person: Place
    requester: Place
    operator: str = ""
    """Who runs the requester's network, as the geo file calls them."""
    typed_after: Span = Span(0)
    before: Before = Before()
    same_device: bool = False
    """`same_device`: it need not have asked for a code."""


def oddities(seen: Seen) -> tuple[Oddity, ...]:
    """All that is odd, the worst first."""
    found = {oddity.tag: oddity for oddity in _all(seen)}
    if found.keys() & {Odd.OTHER_COUNTRY, Odd.FAR_AWAY} and seen.typed_after <= AT_ONCE:
        text = said(
            "The code was typed within seconds of being made, and not near you. That is how stolen sign-ins begin."
        )
        found[Odd.TYPED_AT_ONCE] = Oddity(Odd.TYPED_AT_ONCE, text)
    return tuple(found[tag] for tag in Odd if tag in found)


def _all(seen: Seen) -> Iterator[Oddity]:
    person, requester = seen.person, seen.requester
    if isinstance(person.address, str) and person.address == requester.address:
        yield from _firsts(seen)  # one address is near itself, whatever is known of it
        return
    here, there = person.country, requester.country
    if isinstance(here, str) and isinstance(there, str) and here != there:
        yield Oddity(
            Odd.OTHER_COUNTRY,
            said("The machine is in another country (%(there)s; you: %(here)s).", there=there, here=here),
        )
    if far_apart(person, requester):
        far = distance(person, requester)
        yield Oddity(Odd.FAR_AWAY, said("The machine is far away from you: %(distance)s.", distance=far))
    if hosting(seen.operator):
        text = said("The machine is in a network that rents out computers to anybody (%(name)s).", name=seen.operator)
        yield Oddity(Odd.HOSTING, text)
    if isinstance(person.network, int) and isinstance(requester.network, int) and person.network != requester.network:
        yield Oddity(Odd.OTHER_NETWORK, said("The machine is in another network than you."))
    yield from _firsts(seen)


def _firsts(seen: Seen) -> Iterator[Oddity]:
    country = seen.requester.country
    if isinstance(country, str) and seen.before.countries and country not in seen.before.countries:
        yield Oddity(
            Odd.FIRST_COUNTRY, said("You never signed in a machine from this country (%(country)s).", country=country)
        )
    if not seen.before.application:
        yield Oddity(Odd.FIRST_APPLICATION, said("You never signed in to this application with a code."))
    if not seen.before.machine:
        yield Oddity(Odd.FIRST_MACHINE, said("You never signed in from this machine's address."))
    if seen.same_device:
        yield Oddity(Odd.SAME_DEVICE, _STEER)
