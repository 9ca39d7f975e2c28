"""
Founding a house: organisation, exception group, the block, the house's own applications; in the sample also people.

The one deed that runs before there is a picture, so it takes the store instead of the house. All or nothing.
"""

from dataclasses import dataclass, field

from ostiary.core.directory.founding import Plan
from ostiary.core.directory.people import Role, User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.visit import Visit
from ostiary.services.logs.record import record
from ostiary.store import Store, Tx, credentials, directory, founding


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


async def _settle(tx: Tx, visit: Visit, person: Person) -> None:
    user = User(person.id, person.principal_name, person.display_name, roles=person.roles, created=visit.now)
    await directory.add(tx, user)
    await credentials.set_password(tx, person.id, person.encoded, visit.now)
    await credentials.add_authenticator(tx, person.authenticator, person.id, person.sealed, step=0, now=visit.now)
