"""
Founding a house: organisation, exception group, the block, the house's own applications; in the sample also people.

The deeds that run before there is a picture, so they take the store instead of the house. All or nothing.
"""

from dataclasses import dataclass, field

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import Application
from ostiary.core.directory.founding import ADMIN_API, Plan
from ostiary.core.directory.people import Role, User
from ostiary.core.directory.registration import difference, renamed
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import UserId
from ostiary.core.words.visit import Visit
from ostiary.services.logs.record import record
from ostiary.store import Store, Tx, credentials, directory, founding, registry
from ostiary.store.access import raise_version


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the sample, with password hash and sealed seed ready to be stored."""

    id: UserId
    principal_name: str
    display_name: str
    roles: frozenset[Role]
    encoded: str = field(repr=False)
    authenticator: str
    sealed: bytes = field(repr=False)


async def is_founded(store: Store) -> bool | None:
    """None in an empty house; else whether it holds the sample organisation."""

    async def body(tx: Tx) -> bool | None:
        found = await founding.founded(tx)
        return None if found is None else found[1]

    return await store.read(body)


async def found(store: Store, visit: Visit, plan: Plan, people: tuple[Person, ...] = ()) -> bool:
    """Found the house of *plan*, unless there is one already; whether it was done now."""

    async def body(tx: Tx) -> bool:
        if await founding.founded(tx) is not None:
            return False
        await founding.write(tx, plan, visit.now)
        for person in people:
            await _settle(tx, visit, person)
        detail = {"name": plan.name, "sample": plan.sample, "people": len(people)}
        await record(tx, visit, Entry(Kind.FOUNDED, target=f"organisation:{plan.tenant}", detail=detail))
        return True

    return await store.write(body)


async def follow_origin(store: Store, visit: Visit, origin: str) -> bool:
    """
    Give the admin API the name that the service has now, when the configured origin has moved since; whether it did.

    Its identifier is the origin: without this, everybody who asks for the admin API under the new one is turned away.
    Registrations that name the old one (R7) go along. Raises BrokenState when an application holds that name already.
    """

    async def body(tx: Tx) -> bool:
        api = await registry.find(tx, ADMIN_API)
        if api is None or api.identifier_uris == (origin,):
            return False
        if await registry.holder(tx, origin) not in (None, ADMIN_API):
            raise BrokenState(f"an application holds the identifier {origin}, which is the service's own now")
        for old in await registry.everything(tx):
            await _rename(tx, visit, old, renamed(old, api.identifier_uris, origin))
        await raise_version(tx, PICTURE)
        return True

    return await store.write(body)


async def _rename(tx: Tx, visit: Visit, old: Application, new: Application) -> None:
    """Step: the registration under its new names, with an entry; nothing when none of them is another."""
    if new == old:
        return
    if not await registry.change(tx, old, new):
        raise BrokenState(f"the application {old.id} moved in its own transaction")
    detail = {"name": new.name, **difference(old, new), "reason": "the configured origin has changed"}
    await record(tx, visit, Entry(Kind.APPLICATION_CHANGED, target=f"application:{new.id}", detail=detail))


async def _settle(tx: Tx, visit: Visit, person: Person) -> None:
    user = User(person.id, person.principal_name, person.display_name, roles=person.roles, created=visit.now)
    await directory.add(tx, user)
    await credentials.set_password(tx, person.id, person.encoded, visit.now)
    await credentials.add_authenticator(tx, person.authenticator, person.id, person.sealed, step=0, now=visit.now)
