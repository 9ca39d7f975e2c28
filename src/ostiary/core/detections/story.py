"""
What a sign-in's earlier entries told, for the later ones: a denial names no machine, a refresh no approver.

Kept for each sign-in beside the tracks of rules, in a form of its own, and folded in the order of the journal.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ostiary.core.access.facts import NOWHERE, UNKNOWN, Place
from ostiary.core.detections.event import NO_SIDE, REQUESTERS, Event, Side, Whereabouts, event_of, spot_of
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import belongs
from ostiary.core.words.instants import Instant, after, days

__all__ = ["LASTS", "Begun", "from_document", "stories_of", "tell", "to_document"]

LASTS = days(2)
"""After the last entry: sessions refresh far more often than that."""
AGENT = 128  # characters of what a machine calls itself


class Begun(NamedTuple):
    """One sign-in so far."""

    user: str = ""
    user_name: str = ""
    client: str = ""
    client_name: str = ""
    session: str = ""
    exemption: str = ""
    key: str = ""
    device: str = ""
    requester: Side = NO_SIDE
    person: Side = NO_SIDE
    started: Instant | None = None
    claimed: Instant | None = None
    redeemed: Instant | None = None
    last: Instant = Instant(0)

    @property
    def expires(self) -> Instant:
        """When nobody needs it any more."""
        return after(self.last, LASTS)


_NOBODY = Begun()
_PERSONAL = frozenset({Kind.CLAIMED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.REDEEMED})


def stories_of(entries: Iterable[Recorded]) -> set[str]:
    """The sign-ins of which something must be known to read *entries*."""
    return {entry.story for entry in entries if belongs(entry.kind) and entry.story}


def tell(
    entries: Iterable[Recorded], known: Mapping[str, Begun], where: Whereabouts
) -> tuple[list[Event], dict[str, Begun]]:
    """*entries* as events, each with what its sign-in told before; and what of the sign-ins changed."""
    changed: dict[str, Begun] = {}
    events = []
    for entry in entries:
        event = event_of(entry, where)
        if belongs(entry.kind) and entry.story:
            begun = changed.get(entry.story) or known.get(entry.story) or _NOBODY
            event = _with(event, begun)
            further = _further(begun, event)
            if further is not begun:
                changed[entry.story] = further
        events.append(event)
    return events, changed


def _with(event: Event, begun: Begun) -> Event:
    """*event* with what was told before, where it says nothing itself."""
    if begun is _NOBODY:
        return event
    decides = event.kind not in REQUESTERS and event.side.address
    return event._replace(
        user=event.user or begun.user,
        user_name=event.user_name or (begun.user_name if event.user in ("", begun.user) else ""),
        client=begun.client or event.client,
        client_name=event.client_name or begun.client_name,
        session=event.session or begun.session,
        exemption=event.exemption or begun.exemption,
        key=begun.key or event.key,
        device=event.device or begun.device,
        requester=begun.requester if begun.requester.address else event.requester,
        person=event.side if decides else begun.person if begun.person.address else event.person,
        claimer=begun.user,
        started=begun.started,
        claimed=begun.claimed,
        redeemed=begun.redeemed,
    )


def _further(begun: Begun, event: Event) -> Begun:
    """*begun* with what *event* tells; the same value where it tells nothing new."""
    match event.kind:
        case Kind.STARTED:
            new = begun._replace(
                client=event.client, client_name=event.client_name, key=event.key, device=event.device,
                requester=_short(event.side), started=event.at,
            )  # fmt: skip
        case Kind.CLAIMED:
            new = begun._replace(claimed=event.at, person=_short(event.side))
        case Kind.APPROVED | Kind.EXEMPTION_AWAITED:
            new = begun._replace(person=_short(event.side), exemption=event.exemption)
        case Kind.REDEEMED:
            new = begun._replace(session=event.session, exemption=event.exemption, redeemed=event.at)
        case Kind.REFRESHED if event.at - begun.last > LASTS // 4:
            new = begun
        case _:
            return begun
    if event.kind in _PERSONAL:
        new = new._replace(user=event.user, user_name=event.user_name)
    return new._replace(last=event.at)


def _short(side: Side) -> Side:
    return side._replace(agent=side.agent[:AGENT])


def to_document(begun: Begun) -> dict[str, Any]:
    """As it is stored: JSON values only."""
    return {
        name: _side(value) if isinstance(value, Side) else value
        for name in _NAMES
        if (value := getattr(begun, name)) not in ("", None, NO_SIDE)
    }


_NAMES = Begun._fields


def _side(side: Side) -> list[Any]:
    spot = spot_of(side.place)
    return [side.address, side.agent, side.country, side.network, list(spot) if spot else None, side.operator]


def from_document(document: Mapping[str, Any]) -> Begun:
    """Read `to_document`, after a turn through JSON; what another version wrote otherwise is not known."""
    known: dict[str, Any] = {name: value for name, value in document.items() if name in _NAMES}
    sides: dict[str, Any] = {name: _read(value) for name, value in known.items() if isinstance(value, list)}
    return Begun(**(known | sides))


def _read(value: list[Any]) -> Side:
    address, agent, country, network, spot, operator = value
    place = Place(
        address or UNKNOWN, country or UNKNOWN, network or UNKNOWN, tuple(spot) if spot else UNKNOWN
    ) if address else NOWHERE  # fmt: skip
    return Side(address, agent, place, operator)
