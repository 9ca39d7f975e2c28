"""
Named locations, changed: read before they are saved, and never taken away from a policy that names them.

Who changes a location that a guardrail excludes may, and raises an alert: it can open the door as wide as the policy
itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.facts import TRUSTED
from ostiary.core.access.guardrail import guards
from ostiary.core.access.locations import COUNTRY, TYPE, read_location
from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.etag import ANY, Seen
from ostiary.core.graph.location import kind_of
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import PICTURE, touch
from ostiary.services.access.documents import listed, moved, turned_down
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx, locations, policies

MOST = 195  # Entra's limit

Document = dict[str, Any]
StoredLocation = Stored[str]

_PLACES = (
    ("conditions", "locations"),
    ("ostiary", "conditions", "requesterLocations"),
)
"""Where policies name locations."""


async def list_locations(house: House, visit: Visit, query: Query) -> Page[StoredLocation] | Refused:
    """Each location, the oldest first, that meets the filter; on one page."""
    return await listed(house, query, locations.everything)


async def find_location(house: House, visit: Visit, id: str) -> StoredLocation | Refused:
    """One location."""

    async def body(tx: Tx) -> StoredLocation | Refused:
        return await locations.find(tx, id) or Refused(Reason.NOT_FOUND)

    return await house.store.read(body)


async def create_location(
    house: House, visit: Visit, given: Mapping[str, Any], reason: str = ""
) -> StoredLocation | Refused | Invalid:
    """Save a new location. Invalid: everything that is wrong with it, each with its JSON path."""
    id, document = house.random.guid(), _document({}, given)

    async def body(tx: Tx) -> StoredLocation | Refused | Invalid:
        wrong = _not_allowed(visit, reason) or _unreadable(id, document)
        if wrong is None and len(await locations.everything(tx)) >= MOST:
            wrong = Refused(Reason.CONFLICT, f"There are {MOST} locations already.")
        if wrong is not None:
            return await turned_down(tx, visit, wrong, "location:")
        new = await locations.add(tx, id, document, now=visit.now)
        await _write_down(tx, visit, Kind.LOCATION_CREATED, id, None, document, reason)
        return new

    return await house.store.write(body)


async def change_location(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = "", *, seen: Seen = ANY
) -> StoredLocation | Refused | Invalid:
    """
    Replace what *changes* name. Invalid as `create_location`. *seen*: the version (`Stored.version`) that the change
    was made for. Refused: PRECONDITION_FAILED when it is another by now.
    """

    async def body(tx: Tx) -> StoredLocation | Refused | Invalid:
        old = await locations.find(tx, id)
        wrong: Refused | Invalid | None = _not_allowed(visit, reason)
        if old is None:
            return await turned_down(tx, visit, wrong or Refused(Reason.NOT_FOUND), f"location:{id}")
        new = _document(old.document, changes)
        wrong = wrong or moved(old, seen) or _unreadable(id, new)
        if wrong is not None:
            return await turned_down(tx, visit, wrong, f"location:{id}")
        changed = await locations.change(tx, old, new, now=visit.now)
        if changed is None:
            return Refused(Reason.CONFLICT)
        await _write_down(tx, visit, Kind.LOCATION_CHANGED, id, old.document, new, reason)
        return changed

    return await house.store.write(body)


async def delete_location(house: House, visit: Visit, id: str, *, seen: Seen = ANY) -> None | Refused | Invalid:
    """
    Delete a location; *seen* as for `change_location`. Refused: CONFLICT while a policy names it or it is trusted, as
    on Entra.
    """

    async def body(tx: Tx) -> None | Refused | Invalid:
        old = await locations.find(tx, id)
        wrong = _not_allowed(visit, "")
        if old is None:
            return await turned_down(tx, visit, wrong or Refused(Reason.NOT_FOUND), f"location:{id}")
        wrong = wrong or moved(old, seen) or await _kept(tx, old)
        if wrong is not None:
            return await turned_down(tx, visit, wrong, f"location:{id}")
        if not await locations.drop(tx, old):
            return Refused(Reason.CONFLICT)
        await _write_down(tx, visit, Kind.LOCATION_DELETED, id, old.document, None, "")
        return None

    return await house.store.write(body)


def named_in(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every location that a policy document names, with its JSON path; nothing of what cannot be read."""
    for place in _PLACES:
        part: Any = document
        for name in place:
            part = part.get(name) if isinstance(part, dict) else None
        for side in ("includeLocations", "excludeLocations"):
            listed = part.get(side) if isinstance(part, dict) else None
            for number, id in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(id, str):
                    yield f"$.{'.'.join(place)}.{side}[{number}]", id


def _document(old: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """*old* with *changes* in it, as it is stored: of its own sort's fields, none that is null."""
    given = dict(changes)
    networks = given.pop("autonomousSystems", (old.get("ostiary") or {}).get("autonomousSystems"))
    new = {name: list(value) if isinstance(value, tuple) else value for name, value in {**old, **given}.items()}
    new["ostiary"] = {"autonomousSystems": networks} if networks else None
    new[TYPE] = old.get(TYPE) or kind_of(new)
    if new[TYPE] == COUNTRY:
        new.setdefault("countryLookupMethod", "clientIpAddress")
        new.setdefault("includeUnknownCountriesAndRegions", False)
    else:
        new.setdefault("isTrusted", False)
    return {name: value for name, value in new.items() if value is not None}


def _not_allowed(visit: Visit, reason: str) -> Refused | None:
    refused = judge(Action.WRITE_POLICIES, visit.caller, now=visit.now)
    why = read_reason(reason) if reason else ""
    return refused or (why if isinstance(why, Refused) else None)


def _unreadable(id: str, document: Document) -> Invalid | None:
    _, problems = read_location(id, document)
    return Invalid(tuple(Problem(p.path, p.message) for p in problems)) if problems else None


async def _kept(tx: Tx, old: StoredLocation) -> Refused | None:
    """Step: why *old* must stay."""
    if old.document.get("isTrusted"):
        return Refused(Reason.CONFLICT, "The location is marked as trusted. Take that back first.")
    for policy in await policies.everything(tx):
        if any(id == old.id for _, id in named_in(policy.document)):
            name = tame(str(policy.document.get("displayName", "")))[:80]
            return Refused(Reason.CONFLICT, f"The policy {name} names this location.")
    return None


async def _write_down(
    tx: Tx, visit: Visit, kind: Kind, id: str, before: Document | None, after: Document | None, reason: str
) -> None:
    """Step: the entry with both documents, the new version, and the alert when a guardrail excludes the location."""
    name = tame(str((after or before or {}).get("displayName", "")))
    detail = {"display_name": name, "before": before, "after": after, "reason": tame(reason)}
    await record(tx, visit, Entry(kind, target=f"location:{id}", detail=detail))
    await touch(tx, PICTURE)
    keys = {id} | ({TRUSTED} if any((one or {}).get("isTrusted") for one in (before, after)) else set())
    for stored in await policies.everything(tx):
        policy = compile_policy(stored.id, stored.document).policy
        if guards(policy) and any(side.exclude & keys for side in policy.sides):
            text = f"The location {name}, which the guardrail {policy.name} excludes, was changed."
            await alert(tx, visit, about="guardrail_weakened", text=text, target=f"location:{id}")
