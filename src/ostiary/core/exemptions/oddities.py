"""
What is odd about a request for an exemption, for the people who decide it: from facts to a list, the worst first; and
what could not be told, because nobody knows it.

A request that an attacker makes with somebody's session, or talks somebody into, looks like any other but for this. A
tag is never reused: who reads messages or the journal may go by it. An unknown fact is not odd; `unknown` names it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta, timezone, tzinfo
from enum import StrEnum

from ostiary.core.access.facts import Place
from ostiary.core.access.places import distance, far_apart, hosting
from ostiary.core.exemptions.hours import zone_of
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Rules
from ostiary.core.words.instants import Instant, Span, between, days, hours, in_words, to_datetime
from ostiary.core.words.said import said

__all__ = ["LATELY", "SETTLED", "History", "Machine", "Odd", "Oddity", "Seen", "oddities", "unknown"]

SETTLED = days(1)
"""Only what lies so far back says where and when somebody usually is: the sign-in that asks is no witness of itself."""
LATELY = hours(24)
MANY = 3
"""Requests of one person within `LATELY`, this one included, that are many."""
REMEMBERED = days(90)
"""How long a denial is worth mentioning."""
FRESH = hours(24)
"""An eligibility younger than this was given for this very request, or by whoever prepares something."""
ENOUGH = 5
"""Different days that must be known before somebody has usual hours."""
AROUND = 2
"""Hours before and after a known time of day that are usual as well."""
NIGHT = (22, 6)
"""From and until which hour it is night."""


class Odd(StrEnum):
    """What is odd, in the order in which it is told."""

    MADE_BY_ANOTHER = "made-by-another"
    OTHER_COUNTRY = "machine-in-other-country"
    FAR_AWAY = "machine-far-away"
    MACHINE_HOSTING = "machine-in-hosting-network"
    FIRST_COUNTRY = "first-country"
    HOSTING = "hosting-network"
    FIRST_NETWORK = "first-network"
    NIGHT = "at-night"
    UNUSUAL_HOURS = "unusual-hours"
    DENIED_BEFORE = "denied-before"
    MANY_LATELY = "many-lately"
    FRESH_ELIGIBILITY = "fresh-eligibility"
    FIRST_REQUEST = "first-request"
    NEVER_USED = "never-used"
    LONGER = "longer-than-usual"
    FIRST_APPLICATION = "first-application"
    UNCHECKED_TICKET = "unchecked-ticket"


@dataclass(frozen=True, slots=True)
class Oddity:
    """One odd thing, with the sentence that the page shows."""

    tag: Odd
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of the person from before this request."""

    asked: int = 0
    """Requests, up to as many as are looked at."""
    lately: int = 0
    """Those of them within `LATELY`."""
    denied: Instant | None = None
    """When one was denied last."""
    longest: Span | None = None
    """The most that was asked for before."""
    applications: frozenset[str] = frozenset()
    """Ids of those that earlier requests named, and that they signed in to with a code."""
    used: Instant | None = None
    """When an exemption of theirs was used last."""
    moments: tuple[Instant, ...] = ()
    """When they signed in or asked, at least `SETTLED` before."""
    places: tuple[Place, ...] = ()
    """From where they signed in, at least `SETTLED` before."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine whose sign-in waits for this request."""

    place: Place
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts."""

    request: Request
    rules: Rules
    place: Place
    """Where it was asked from."""
    operator: str = ""
    """Who runs that network, as the geo file calls them."""
    maker: str = ""
    """Who made it, where that is somebody else than whom it is for."""
    eligible: Instant | None = None
    """Since when the person is eligible; None: they are not any more."""
    history: History = field(default_factory=History)
    machine: Machine | None = None


def oddities(seen: Seen) -> tuple[Oddity, ...]:
    """All that is odd, the worst first."""
    order = list(Odd)
    found = (*_people(seen), *_places(seen), *_times(seen), *_wishes(seen))
    return tuple(sorted(found, key=lambda oddity: order.index(oddity.tag)))


def unknown(seen: Seen) -> tuple[str, ...]:
    """What could not be judged, as half sentences."""
    place, history = seen.place, seen.history
    lacking = [
        (not isinstance(place.address, str), said("from which address it was asked")),
        (not isinstance(place.country, str), said("in which country that address is")),
        (not isinstance(place.network, int), said("whose network that address is in")),
        (not history.places, said("from where this person usually signs in")),
        (_zone(seen) is None, said("whether it was night there")),
        (len(_days(history.moments)) < ENOUGH, said("at which hours this person usually works")),
    ]
    return tuple(text for missing, text in lacking if missing)


def _people(seen: Seen) -> Iterator[Oddity]:
    request, history = seen.request, seen.history
    if seen.maker:
        yield Oddity(Odd.MADE_BY_ANOTHER, said("Somebody else made it for them: %(name)s.", name=seen.maker))
    if seen.eligible is not None and between(seen.eligible, request.created) < FRESH:
        age = in_words(Span(max(0, between(seen.eligible, request.created))))
        yield Oddity(Odd.FRESH_ELIGIBILITY, said("They were made eligible %(age)s before they asked.", age=age))
    if history.denied is not None and between(history.denied, request.created) <= REMEMBERED:
        age = in_words(between(history.denied, request.created))
        yield Oddity(Odd.DENIED_BEFORE, said("A request of theirs was denied %(age)s before.", age=age))
    if history.lately + 1 >= MANY:
        text = said("It is their request number %(count)s within 24 hours.", count=history.lately + 1)
        yield Oddity(Odd.MANY_LATELY, text)
    if not history.asked:
        yield Oddity(Odd.FIRST_REQUEST, said("It is the first request that is known of this person."))
    elif history.used is None:
        yield Oddity(Odd.NEVER_USED, said("They asked before and never used what they got."))


def _places(seen: Seen) -> Iterator[Oddity]:
    place, known = seen.place, seen.history.places
    country, network = place.country, place.network
    countries = {each.country for each in known if isinstance(each.country, str)}
    networks = {each.network for each in known if isinstance(each.network, int)}
    if isinstance(country, str) and countries and country not in countries:
        told = ", ".join(sorted(countries)[:5])
        text = said(
            "Asked from a country that they never signed in from (%(country)s; known: %(known)s).",
            country=country, known=told,
        )  # fmt: skip
        yield Oddity(Odd.FIRST_COUNTRY, text)
    if isinstance(network, int):
        if networks and network not in networks:
            text = said("Asked from a network that they never signed in from (AS%(network)s).", network=network)
            yield Oddity(Odd.FIRST_NETWORK, text)
    elif isinstance(place.address, str) and known and place.address not in {each.address for each in known}:
        yield Oddity(Odd.FIRST_NETWORK, said("Asked from an address that they never signed in from."))
    if hosting(seen.operator):
        text = said("Asked from a network that rents out computers to anybody (%(name)s).", name=seen.operator)
        yield Oddity(Odd.HOSTING, text)
    if seen.machine is not None:
        yield from _between(seen.machine, place)


def _between(machine: Machine, place: Place) -> Iterator[Oddity]:
    """The machine that would be signed in, and the person who asks."""
    there, here = machine.place.country, place.country
    if isinstance(there, str) and isinstance(here, str) and there != here:
        text = said(
            "The machine that waits is in another country (%(there)s) than the person who asks (%(here)s).",
            there=there, here=here,
        )  # fmt: skip
        yield Oddity(Odd.OTHER_COUNTRY, text)
    if far_apart(machine.place, place):
        far = distance(machine.place, place)
        text = said("The machine that waits is far from the person who asks: %(distance)s.", distance=far)
        yield Oddity(Odd.FAR_AWAY, text)
    if hosting(machine.operator):
        text = said(
            "The machine that waits is in a network that rents out computers to anybody (%(name)s).",
            name=machine.operator,
        )
        yield Oddity(Odd.MACHINE_HOSTING, text)


def _times(seen: Seen) -> Iterator[Oddity]:
    asked, zone = seen.request.created, _zone(seen)
    if zone is not None:
        local = to_datetime(asked).astimezone(zone)
        if local.hour >= NIGHT[0] or local.hour < NIGHT[1]:
            yield Oddity(Odd.NIGHT, said("Asked at night: %(time)s there.", time=f"{local:%H:%M}"))
    moments = seen.history.moments
    if len(_days(moments)) >= ENOUGH and not any(_near(asked, each) for each in moments):
        yield Oddity(Odd.UNUSUAL_HOURS, said("Asked outside the hours at which they signed in or asked before."))


def _zone(seen: Seen) -> tzinfo | None:
    """The house's own time where its rules name one; else the sun's, where it is known how far east that is."""
    if seen.rules.allowed is not None:
        return zone_of(seen.rules.allowed.zone)
    where = seen.place.coordinates
    if not isinstance(where, tuple):
        return None
    return timezone(timedelta(minutes=round(where[1] / 10_000 * 4)))  # four minutes a degree


def _days(moments: tuple[Instant, ...]) -> set[int]:
    return {moment // days(1) for moment in moments}


def _near(one: Instant, other: Instant) -> bool:
    """Whether both are at nearly the same time of day."""
    apart = abs(one - other) % days(1)
    return min(apart, days(1) - apart) <= hours(AROUND)


def _wishes(seen: Seen) -> Iterator[Oddity]:
    request, history, limits = seen.request, seen.history, seen.request.limits
    if request.length > seen.rules.usual:
        most = history.longest
        length, usual = in_words(request.length), in_words(seen.rules.usual)
        if most is not None and request.length > most:
            text = said(
                "Longer than usual: %(length)s, where %(usual)s is usual, and longer than they ever asked for.",
                length=length, usual=usual,
            )  # fmt: skip
        else:
            text = said("Longer than usual: %(length)s, where %(usual)s is usual.", length=length, usual=usual)
        yield Oddity(Odd.LONGER, text)
    if limits.application is not None and history.asked and limits.application not in history.applications:
        yield Oddity(Odd.FIRST_APPLICATION, said("They never asked for this application before."))
    if request.ticket is not None and not request.ticket.checked:
        yield Oddity(Odd.UNCHECKED_TICKET, said("Nobody checked that the ticket exists."))
