"""
Trusts of applications: made, changed, taken away. What a trust gave ends with it, and with each change of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.access.picture import Organisation
from ostiary.core.directory import trusts
from ostiary.core.directory.applications import Application
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.trusts import Trust
from ostiary.core.graph.query import Page
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.claims import issuer
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, registry
from ostiary.store.access import raise_version

__all__ = ["add_trust", "change_trust", "find_trust", "remove_trust", "trusts_of"]

NO_APPLICATION = Refused(Reason.NOT_FOUND, "There is no such application.")
NO_TRUST = Refused(Reason.NOT_FOUND, "There is no such trust of this application.")

_READ, _WRITE = Action.READ_DIRECTORY, Action.WRITE_APPLICATIONS


async def trusts_of(house: House, visit: Visit, key: str) -> Page[Trust] | Refused:
    """All of one application: few, one page."""

    async def body(tx: Tx) -> Page[Trust] | Refused:
        found = await _found(tx, visit, key, _READ)
        return found if isinstance(found, Refused) else Page(found.trusts)

    return await house.store.read(body)


async def find_trust(house: House, visit: Visit, key: str, name: str) -> Trust | Refused:
    """One, by id or name."""

    async def body(tx: Tx) -> Trust | Refused:
        found = await _found(tx, visit, key, _READ)
        return found if isinstance(found, Refused) else _one(found, name) or NO_TRUST

    return await house.store.read(body)


async def add_trust(
    house: House, visit: Visit, key: str, wish: Mapping[str, Any], reason: str = ""
) -> Trust | Refused:  # fmt: skip
    """
    Trust an issuer and subject from now on. Without an audience it is our own issuer name.

    Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT, WRONG_STATE, INVALID_VALUE with the field.
    """
    id = house.random.guid()

    async def body(tx: Tx) -> Trust | Refused:
        old = await _found(tx, visit, key, _WRITE)
        new = old if isinstance(old, Refused) else _made(house, old, wish, id, visit)
        refused = new if isinstance(new, Refused) else await _loose(tx, new)
        if isinstance(old, Refused) or isinstance(new, Refused) or refused:
            return await _turned_down(tx, visit, refused or NO_APPLICATION, key)
        detail = {"name": tame(old.name), "after": trusts.shown(new), "reason": tame(reason)}
        await _swapped(tx, visit, old, (*old.trusts, new), Kind.TRUST_ADDED, detail)
        return new

    return await _settled(house, await house.store.write(body))


async def change_trust(
    house: House, visit: Visit, key: str, name: str, wish: Mapping[str, Any], reason: str = ""
) -> Trust | Refused:
    """Change one, by id or name. Refused as `add_trust`."""

    async def body(tx: Tx) -> Trust | Refused:
        old = await _found(tx, visit, key, _WRITE)
        before = old if isinstance(old, Refused) else _one(old, name) or NO_TRUST
        if isinstance(old, Refused) or isinstance(before, Refused):
            return await _turned_down(tx, visit, old if isinstance(old, Refused) else NO_TRUST, key)
        new = trusts.amended(old.trusts, before, wish, host=_host(house), now=visit.now)
        refused = new if isinstance(new, Refused) else await _loose(tx, new)
        if refused or isinstance(new, Refused):
            return await _turned_down(tx, visit, refused or NO_TRUST, key)
        if new != before:
            every = tuple(new if one.id == new.id else one for one in old.trusts)
            detail = {"name": tame(old.name), "trust": new.id, "before": trusts.shown(before),
                      "after": trusts.shown(new), "reason": tame(reason)}  # fmt: skip
            await _swapped(tx, visit, old, every, Kind.TRUST_CHANGED, detail)
        return new

    return await _settled(house, await house.store.write(body))


async def remove_trust(house: House, visit: Visit, key: str, name: str, reason: str = "") -> Trust | Refused:
    """Trust it no more, by id or name: what it gave is over. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> Trust | Refused:
        old = await _found(tx, visit, key, _WRITE)
        gone = old if isinstance(old, Refused) else _one(old, name) or NO_TRUST
        if isinstance(old, Refused) or isinstance(gone, Refused):
            return await _turned_down(tx, visit, old if isinstance(old, Refused) else NO_TRUST, key)
        detail = {"name": tame(old.name), "before": trusts.shown(gone), "reason": tame(reason)}
        left = tuple(one for one in old.trusts if one.id != gone.id)
        await _swapped(tx, visit, old, left, Kind.TRUST_REMOVED, detail)
        return gone

    return await _settled(house, await house.store.write(body))


def _made(house: House, old: Application, wish: Mapping[str, Any], id: str, visit: Visit) -> Trust | Refused:
    if old.admin_api:
        return Refused(Reason.WRONG_STATE, "The registration of the admin API belongs to the service.")
    organisation: Organisation = house.desk.picture.organisation
    own = issuer(house.settings.origin, organisation)
    return trusts.made(old.trusts, wish, id=id, audience=own, host=_host(house), now=visit.now)


async def _loose(tx: Tx, new: Trust) -> Refused | None:
    """Step: permissions that nobody exposes, or that are no workload's (R3)."""
    for scope in new.scopes:
        identifier, _, name = scope.rpartition("/")
        holder = await registry.holder(tx, identifier)
        resource = await registry.find(tx, holder or identifier)
        wrong = (
            f"{scope[:80]}: no resource exposes this scope."
            if resource is None or name not in {one.value for one in resource.scopes}
            else "The admin API is for people: no workload administers this service."
            if resource.admin_api
            else ""
        )
        if wrong:
            return Refused(Reason.INVALID_VALUE, wrong, field="ostiary.permissions")
    return None


async def _found(tx: Tx, visit: Visit, key: str, action: Action) -> Application | Refused:
    """Step: the registration, for whoever may see or change it."""
    refused = judge(action, visit.caller, now=visit.now)
    return refused or await registry.find(tx, key) or NO_APPLICATION


async def _turned_down(tx: Tx, visit: Visit, refused: Refused, key: str) -> Refused:
    return await refuse(tx, visit, _WRITE, refused, target=f"application:{key[:64]}")


async def _swapped(
    tx: Tx, visit: Visit, old: Application, every: tuple[Trust, ...], kind: Kind, detail: Mapping[str, Any]
) -> None:
    """Step: the registration with *every* trust, its entry, and memory is old."""
    if not await registry.change(tx, old, replace(old, trusts=every)):
        raise BrokenState(f"the application {old.id} moved in its own transaction")
    await record(tx, visit, Entry(kind, target=f"application:{old.id}", detail=detail))
    await raise_version(tx, PICTURE)


async def _settled(house: House, outcome: Trust | Refused) -> Trust | Refused:
    """After the commit this node looks anew; others do when they decide next."""
    await house.desk.reload()
    return outcome


def _one(application: Application, name: str) -> Trust | None:
    return next((one for one in application.trusts if name in (one.id, one.name)), None)


def _host(house: House) -> str:
    return urlsplit(house.settings.origin).hostname or ""
