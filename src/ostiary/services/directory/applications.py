"""
Applications: registered, changed, deleted; their secrets made and taken away.

A secret is 256 random bits, shown once and kept as its digest (R17); no entry holds it. A registration of somebody
else's well-known client id is possible (R18), its device flow is off until it is allowed (R23).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import Application, Secret
from ostiary.core.directory.founding import OSTIARY_CLI
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.registration import add_secret, amend, difference, new_id, preset, remove_secret, shown
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.assessments import note_assessment, with_assessment
from ostiary.services.directory.keys import with_keys
from ostiary.services.directory.names import judge_name
from ostiary.services.directory.search import search
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, registry
from ostiary.store.access import raise_version

NO_APPLICATION = Refused(Reason.NOT_FOUND, "There is no such application.")
T = TypeVar("T")

_WRITE = Action.WRITE_APPLICATIONS


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret as it is shown, this once."""

    kept: Secret
    text: str = field(repr=False)


async def search_applications(house: House, visit: Visit, query: Query) -> Page[Application] | Refused:
    """Registrations, by name."""
    return await search(house, visit, registry.APPLICATIONS, query, action=Action.READ_DIRECTORY)


async def find_application(house: House, visit: Visit, key: str) -> Application | Refused:
    """One registration, by client id or object id."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)

    async def body(tx: Tx) -> Application | Refused:
        return refused or await registry.find(tx, key) or NO_APPLICATION

    return await house.store.read(body)


async def create_application(
    house: House, visit: Visit, changes: Mapping[str, Any], reason: str = ""
) -> Application | Refused:
    """
    Register an application.

    Refused: FORBIDDEN and its kin, INVALID_VALUE with the field, CONFLICT for a client id or identifier that is taken.
    """
    new = _made(house, visit, changes)

    async def body(tx: Tx) -> Application | Refused:
        refused = judge(_WRITE, visit.caller, now=visit.now) or (new if isinstance(new, Refused) else None)
        refused = refused or await _not_free(tx, new)
        if refused or isinstance(new, Refused):
            return await refuse(tx, visit, _WRITE, refused or NO_APPLICATION, target="application:")
        made = await with_assessment(tx, visit, None, new, changes)
        if isinstance(made, Refused):
            return await refuse(tx, visit, _WRITE, made, target="application:")
        await registry.add(tx, made)
        detail = {"name": tame(made.name), "after": shown(made), "reason": tame(reason)}
        await _recorded(tx, visit, Kind.APPLICATION_CREATED, made, detail)
        await note_assessment(tx, visit, None, made, reason)
        return made

    return await _settled(house, await house.store.write(body))


def _made(house: House, visit: Visit, changes: Mapping[str, Any]) -> Application | Refused:
    filled = preset(changes)
    id = new_id(filled, house.random.guid()) if isinstance(filled, dict) else filled
    if isinstance(id, Refused) or isinstance(filled, Refused):
        return id if isinstance(id, Refused) else NO_APPLICATION
    keyed = with_keys((), filled, house.random)
    if isinstance(keyed, Refused):
        return keyed
    return amend(Application(id, house.random.guid(), "", created=visit.now), keyed, host=_host(house))


def _amended(house: House, old: Application, changes: Mapping[str, Any]) -> Application | Refused:
    keyed = with_keys(old.keys, changes, house.random)
    return keyed if isinstance(keyed, Refused) else amend(old, keyed, host=_host(house))


def _host(house: House) -> str:
    return urlsplit(house.settings.origin).hostname or ""


async def _not_free(tx: Tx, new: Application | Refused) -> Refused | None:
    """Step: ids and identifiers that somebody has already, and resources that nobody has."""
    if isinstance(new, Refused):
        return new
    if await registry.find(tx, new.id) is not None:
        return Refused(Reason.CONFLICT, "An application with this id is registered already.", field="appId")
    return await judge_name(tx, None, new) or await _loose_names(tx, new)


async def _loose_names(tx: Tx, new: Application) -> Refused | None:
    for uri in new.identifier_uris:
        if await registry.holder(tx, uri) not in (None, new.id):
            return Refused(Reason.CONFLICT, "Another application has this identifier.", field="identifierUris")
    for named, uris in (("ostiary.reach", new.reach), ("ostiary.gatewayFor", new.gateway_for)):
        for uri in uris:
            if await registry.holder(tx, uri) is None:
                return Refused(Reason.INVALID_VALUE, f"There is no resource {uri[:80]}.", field=named)
    return None


async def change_application(
    house: House, visit: Visit, key: str, changes: Mapping[str, Any], reason: str = ""
) -> Application | Refused:
    """
    Change a registration. What it no longer allows ends at the next use of what it gave.

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE, CONFLICT, WRONG_STATE for the admin API's own.
    """

    async def body(tx: Tx) -> Application | Refused:
        old = await _found(tx, visit, key)
        new = old if isinstance(old, Refused) else _amended(house, old, changes)
        refused = new if isinstance(new, Refused) else await _loose_names(tx, new)
        if not refused and isinstance(old, Application) and isinstance(new, Application):
            refused = await judge_name(tx, old, new)
        if not (refused or isinstance(old, Refused) or isinstance(new, Refused)):
            new = await with_assessment(tx, visit, old, new, changes)
        if refused or isinstance(old, Refused) or isinstance(new, Refused):
            why = refused or (new if isinstance(new, Refused) else NO_APPLICATION)
            return await refuse(tx, visit, _WRITE, why, target=f"application:{key[:64]}")
        await _changed(tx, visit, old, new, reason)
        return new

    return await _settled(house, await house.store.write(body))


async def _changed(tx: Tx, visit: Visit, old: Application, new: Application, reason: str) -> None:
    """Step: swap and write down: a new assessment in an entry of its own, everything else in another."""
    if new == old:
        return
    await _swap(tx, old, new)
    assessed = await note_assessment(tx, visit, old, new, reason)
    if not assessed or replace(new, assessment=old.assessment) != old:
        detail = {"name": tame(new.name), **difference(old, new), "reason": tame(reason)}
        await record(tx, visit, Entry(Kind.APPLICATION_CHANGED, target=f"application:{new.id}", detail=detail))
    await raise_version(tx, PICTURE)


async def suspend_device_flow(tx: Tx, visit: Visit, id: AppId, reason: str) -> bool:
    """
    Step: the device flow of *id* is off until an administrator turns it on; False where it is off or there is none.
    Whoever commits it has memory look anew.
    """
    old = await registry.find(tx, id)
    if old is None or not old.device_flow:
        return False
    await _changed(tx, visit, old, replace(old, device_flow=False), reason)
    return True


async def delete_application(house: House, visit: Visit, key: str) -> Application | Refused:
    """Delete a registration with its consents and assignments. Refused as `change_application`."""

    async def body(tx: Tx) -> Application | Refused:
        old = await _found(tx, visit, key)
        if isinstance(old, Application) and (old.admin_api or old.id == OSTIARY_CLI):
            old = Refused(Reason.WRONG_STATE, "This registration belongs to the service: `ostiary` signs in by it.")
        if isinstance(old, Refused):
            return await refuse(tx, visit, _WRITE, old, target=f"application:{key[:64]}")
        await registry.remove(tx, old.id)
        detail = {"name": tame(old.name), "before": shown(old)}
        await _recorded(tx, visit, Kind.APPLICATION_DELETED, old, detail)
        return old

    return await _settled(house, await house.store.write(body))


async def create_secret(
    house: House, visit: Visit, key: str, *, name: str = "", ends: Instant | None = None
) -> NewSecret | Refused:
    """
    Add a secret, good until *ends* (180 days when none is asked, two years at most).

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE, WRONG_STATE for a public client or too many.
    """
    id, text = house.random.guid(), house.random.token(256)

    async def body(tx: Tx) -> NewSecret | Refused:
        old = await _found(tx, visit, key)
        new = old if isinstance(old, Refused) else add_secret(old, text, id=id, name=name, now=visit.now, ends=ends)
        if isinstance(old, Refused) or isinstance(new, Refused):
            refused = new if isinstance(new, Refused) else NO_APPLICATION
            return await refuse(tx, visit, _WRITE, refused, target=f"application:{key[:64]}")
        await _swap(tx, old, new)
        added = new.secrets[-1]
        detail = {"name": tame(new.name), "secret": added.id, "secret_name": tame(name), "ends": added.ends}
        await _recorded(tx, visit, Kind.SECRET_ADDED, new, detail)
        return NewSecret(added, text)

    return await _settled(house, await house.store.write(body))


async def delete_secret(house: House, visit: Visit, key: str, secret: str) -> Application | Refused:
    """Take a secret away; it counts no more at once. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> Application | Refused:
        old = await _found(tx, visit, key)
        new = old if isinstance(old, Refused) else remove_secret(old, secret)
        if isinstance(old, Refused) or isinstance(new, Refused):
            refused = new if isinstance(new, Refused) else NO_APPLICATION
            return await refuse(tx, visit, _WRITE, refused, target=f"application:{key[:64]}")
        await _swap(tx, old, new)
        await _recorded(tx, visit, Kind.SECRET_REMOVED, new, {"name": tame(new.name), "secret": secret})
        return new

    return await _settled(house, await house.store.write(body))


async def _found(tx: Tx, visit: Visit, key: str) -> Application | Refused:
    """Step: the registration, for whoever may change it."""
    refused = judge(_WRITE, visit.caller, now=visit.now)
    return refused or await registry.find(tx, key) or NO_APPLICATION


async def _swap(tx: Tx, old: Application, new: Application) -> None:
    if not await registry.change(tx, old, new):
        raise BrokenState(f"the application {old.id} moved in its own transaction")


async def _recorded(tx: Tx, visit: Visit, kind: Kind, application: Application, detail: dict[str, Any]) -> None:
    """Step: the entry, and memory is old."""
    await record(tx, visit, Entry(kind, target=f"application:{application.id}", detail=detail))
    await raise_version(tx, PICTURE)


async def _settled(house: House, outcome: T) -> T:
    """After the commit this node looks anew; others do when they decide next."""
    await house.desk.reload()
    return outcome
