"""
Events: journal entries as rules look at them.

An entry's detail is read with tolerance: a key that is missing or of another form than its kind says is empty here, and
what is empty is not known and evidence of nothing. Where an address is stands in the facts that a decision was taken
on; where there are none, `Whereabouts` is asked.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ostiary.core.access.facts import NOWHERE, UNKNOWN, Place
from ostiary.core.access.places import far_apart, hosting
from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant

__all__ = ["NO_SIDE", "REQUESTERS", "Event", "Side", "Where", "Whereabouts", "event_of", "nowhere", "spot_of"]


class Where(NamedTuple):
    """What is known of an address."""

    place: Place = NOWHERE
    operator: str = ""
    """Who runs its network, as the geo file calls them; empty: not known."""


Whereabouts = Callable[[str], Where]


def nowhere(address: str) -> Where:
    """Where there are no geo files."""
    return Where(Place(address or UNKNOWN))


class Side(NamedTuple):
    """One of the two machines of a sign-in; the defaults are "not known"."""

    address: str = ""
    agent: str = ""
    """What it calls itself: anybody can say anything."""
    place: Place = NOWHERE
    operator: str = ""

    @property
    def country(self) -> str:
        """Two capitals, or empty."""
        return self.place.country if isinstance(self.place.country, str) else ""

    @property
    def network(self) -> int:
        """Its autonomous system, or 0."""
        return self.place.network if isinstance(self.place.network, int) else 0

    @property
    def source(self) -> str:
        """The IPv4 address, or the /64 of an IPv6 one; empty where no address is known."""
        return source_of(self.address) if self.address else ""

    @property
    def hosted(self) -> bool:
        """Whether its network is known to rent out computers to anybody."""
        return hosting(self.operator)

    def elsewhere(self, other: "Side") -> str:
        """How it is known to be in another place than *other*: ``country``, ``far``, ``network``, or empty."""
        if not self.address or not other.address or self.source == other.source:
            return ""
        if self.country and other.country and self.country != other.country:
            return "country"
        if far_apart(self.place, other.place):
            return "far"
        return "network" if self.network and other.network and self.network != other.network else ""


NO_SIDE = Side()

REQUESTERS = frozenset({
    Kind.STARTED, Kind.START_REFUSED, Kind.STARTS_REFUSED, Kind.REDEEMED, Kind.REDEMPTION_REFUSED, Kind.REPEATED,
    Kind.KEY_BOUND, Kind.REPLAYED, Kind.NUMBER_CONFIRMED, Kind.NUMBER_WRONG, Kind.REFRESHED, Kind.REFRESH_REFUSED,
    Kind.REUSED, Kind.WRONG_KEY, Kind.PROOF_REFUSED, Kind.REVOKED,
})  # fmt: skip
"""What the machine did; an entry of any other kind came from a person's browser, an administrator or a job."""


class Event(NamedTuple):
    """One entry. Empty texts are "not known" or "there is none"."""

    entry: str
    """``stream.number``."""
    kind: str
    at: Instant
    story: str
    actor: str
    target: str
    by: str = ""
    """Id of the person who acted."""
    user: str = ""
    """Id of the person whom it concerns; told by earlier entries of the sign-in where this one does not say."""
    user_name: str = ""
    claimer: str = ""
    """Id of the person who had typed the code before."""
    client: str = ""
    client_name: str = ""
    resource: str = ""
    scopes: tuple[str, ...] = ()
    session: str = ""
    exemption: str = ""
    key: str = ""
    """Thumbprint that the request is bound to, at its start."""
    device: str = ""
    """The machine of the inventory that asked."""
    reason: str = ""
    """Why something was refused."""
    oddities: frozenset[str] = frozenset()
    side: Side = NO_SIDE
    """Where this entry came from."""
    requester: Side = NO_SIDE
    """The machine that asked, as the sign-in's start told; this entry's where no start is known."""
    person: Side = NO_SIDE
    """The person who typed the code or decided."""
    started: Instant | None = None
    """When the sign-in's code was issued, where that is known; so the next two."""
    claimed: Instant | None = None
    redeemed: Instant | None = None
    detail: Mapping[str, Any] = MappingProxyType({})
    """All of it, for what only one rule needs; anything may be missing."""

    def text(self, name: str) -> str:
        """The text under *name* of the detail, or empty."""
        return _text(self.detail, name)

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts listed under *name*."""
        return _texts(self.detail, name)

    def inner(self, name: str) -> Mapping[str, Any]:
        """The object under *name*, or an empty one."""
        return _object(self.detail, name)

    def number(self, name: str) -> int:
        """The whole number under *name*, or 0."""
        return _number(self.detail, name)

    def told(self, name: str) -> bool:
        """Whether the detail says that *name* is so."""
        return self.detail.get(name) is True


def event_of(entry: Recorded, where: Whereabouts = nowhere) -> Event:
    """*entry* as an event, by itself: `story.py` adds what the sign-in's earlier entries told."""
    body = entry.body
    detail = _object(body, "detail")
    facts = _object(detail, "facts")
    address, agent = _text(body, "address"), _text(body, "agent")
    if entry.kind == Kind.STARTS_REFUSED:  # written by a job, about a source
        address, agent = _text(detail, "source").partition("/")[0], ""
    asks = entry.kind in REQUESTERS
    here = _side(address, agent, _object(facts, "requester" if asks else "person"), where)
    away = _object(facts, "person" if asks else "requester")
    there = _side(_text(away, "address"), "", away, where)
    by = _after(entry.actor, "user:")
    user = _text(detail, "user") or _after(entry.target, "user:") or by
    return Event(
        entry=f"{entry.stream}.{entry.number}",
        kind=entry.kind,
        at=entry.at,
        story=entry.story,
        actor=entry.actor,
        target=entry.target,
        by=by,
        user=user,
        user_name=_text(detail, "user_name") or (_text(body, "actor_name") if by and by == user else ""),
        client=_text(detail, "client") or _after(entry.target, "application:") or _text(facts, "application"),
        client_name=_text(detail, "client_name"),
        resource=_text(detail, "resource") or _text(facts, "resource"),
        scopes=_texts(detail, "scopes"),
        session=_text(detail, "session") or _after(entry.target, "session:"),
        exemption=_text(detail, "exemption") or _after(entry.target, "exemption:"),
        key=_text(detail, "key") or _text(detail, "certificate"),
        device=_text(detail, "device") or _text(_object(facts, "requesterDevice"), "id"),
        reason=_text(detail, "reason"),
        oddities=frozenset(_texts(detail, "oddities")),
        side=here,
        requester=here if asks else there,
        person=there if asks else here,
        detail=detail,
    )


def _side(address: str, agent: str, facts: Mapping[str, Any], where: Whereabouts) -> Side:
    """
    The side at *address*. The facts of a decision tell of the address that they name, as it was known then; the machine
    may poll from another one than it asked from.
    """
    if not address:
        return Side(agent=agent)
    known = where(address)
    place = known.place
    if facts.get("address") == address:
        told = _place(facts)
        place = Place(
            address,
            told.country if isinstance(told.country, str) else place.country,
            told.network if isinstance(told.network, int) else place.network,
            told.coordinates if isinstance(told.coordinates, tuple) else place.coordinates,
        )
    return Side(address, agent, place, known.operator)


def _place(facts: Mapping[str, Any]) -> Place:
    network, spot = facts.get("network"), facts.get("coordinates")
    whole = isinstance(spot, list) and len(spot) == 2 and all(type(each) is int for each in spot)
    return Place(
        _text(facts, "address") or UNKNOWN,
        _text(facts, "country") or UNKNOWN,
        network if type(network) is int else UNKNOWN,
        (spot[0], spot[1]) if isinstance(spot, list) and whole else UNKNOWN,
    )


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    found = of.get(name)
    return found if isinstance(found, str) else ""


def _texts(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = of.get(name)
    if isinstance(found, str):
        return tuple(found.split())
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _number(of: Mapping[str, Any], name: str) -> int:
    found = of.get(name)
    return found if type(found) is int else 0


def _after(text: str, prefix: str) -> str:
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


def spot_of(place: Place) -> tuple[int, int] | None:
    """Its coordinates, or None."""
    return place.coordinates if isinstance(place.coordinates, tuple) else None
