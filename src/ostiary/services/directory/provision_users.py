"""
Accounts as a provisioner says: made, changed, disabled at once when somebody leaves (SCIM 2.0, RFC 7644 §3).

A provisioner sees its own accounts alone; names of others are only "taken". Deleting disables: who had access stays
known, and somebody who comes back is the same account, without anything that they had.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.provisioning import NEVER, Kept, Person, as_told, reach, switched_off, wrong_external
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.memberships import leave_provisioned
from ostiary.services.directory.people import add_user, apply_change, flaw, guard_last_administrator, name_taken
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx, directory, provisioning, upstream

__all__ = [
    "MOST_SCANNED", "Account", "Change", "Found", "change_person", "create_person", "find_people", "find_person",
    "page_of_people", "remove_person",
]  # fmt: skip

MOST_SCANNED = 2_000
"""Accounts that a filter without an index looks at."""

_NOBODY = Refused(Reason.NOT_FOUND, "There is no such user.")
_TAKEN = Refused(Reason.CONFLICT, "Somebody has this name already.", field="userName")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a provisioner."""

    user: User
    kept: Kept


@dataclass(frozen=True, slots=True)
class Found:
    """A page of them, and how many there are in all."""

    accounts: tuple[Account, ...]
    total: int


Change = Callable[[Account], Person | Refused]
"""What is to become of an account; it runs inside the transaction, so it does nothing else."""


async def find_person(house: House, visit: Visit, id: str) -> Account | Refused:
    """One of the provisioner's own. NOT_FOUND, FORBIDDEN and its kin."""

    async def body(tx: Tx) -> Account | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.ACCOUNTS.find(tx, visit.caller.id, UserId(id))
        return refused or (Account(*found) if found else _NOBODY)

    return await house.store.read(body)


async def find_people(
    house: House, visit: Visit, *, name: str | None = None, external: str | None = None
) -> Found | Refused:
    """Those with that name, or that the provisioner calls so."""

    async def body(tx: Tx) -> Found | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        if refused:
            return refused
        if name is not None:
            rows = await provisioning.ACCOUNTS.named(tx, visit.caller.id, normal_name(name))
        else:
            rows = await provisioning.ACCOUNTS.external(tx, visit.caller.id, external or "")
        return Found(tuple(Account(*row) for row in rows), len(rows))

    return await house.store.read(body)


async def page_of_people(house: House, visit: Visit, *, skipped: int, most: int) -> Found | Refused:
    """A page of all, by id, and their number."""

    async def body(tx: Tx) -> Found | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        if refused:
            return refused
        rows = await provisioning.ACCOUNTS.page(tx, visit.caller.id, skipped=skipped, most=most)
        return Found(tuple(Account(*row) for row in rows), await provisioning.ACCOUNTS.count(tx, visit.caller.id))

    return await house.store.survey(body)


async def create_person(house: House, visit: Visit, person: Person) -> Account | Refused:
    """
    Make an account, or bring one of the provisioner's back that was deleted. Refused: INVALID_VALUE with its `field`,
    CONFLICT for a name that is taken, FORBIDDEN and its kin.
    """
    told = replace(person, user_name=normal_name(person.user_name), display_name=person.display_name.strip())
    fresh = User(
        UserId(house.random.guid()), told.user_name, told.display_name, told.mail, told.active, created=visit.now,
        epoch=Instant(0),
    )  # fmt: skip

    async def body(tx: Tx) -> Account | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now) or wrong_external(told.external)
        made = refused or await _made(tx, visit, told, fresh)
        return await refuse(tx, visit, Action.PROVISION, made, target="user:") if isinstance(made, Refused) else made

    return await house.store.write(body)


async def _made(tx: Tx, visit: Visit, told: Person, fresh: User) -> Account | Refused:
    """Step: a new account, or the old one again."""
    there = await directory.find_named(tx, told.user_name)
    if there is not None:
        return await _again(tx, visit, told, there)
    user = await add_user(tx, visit, fresh, reason=f"provisioned by {visit.caller.name}")
    if isinstance(user, Refused):
        return user
    kept = Kept(user.id, told.external, visit.now, visit.now, off=NEVER if user.enabled else user.epoch)
    await provisioning.keep_user(tx, visit.caller.id, kept)
    return Account(user, kept)


async def _again(tx: Tx, visit: Visit, told: Person, there: User) -> Account | Refused:
    """
    Step: somebody comes back whose account this provisioner deleted. Anybody else's name is taken, and so is that of a
    leaver for somebody who is another there (a namesake).
    """
    owned = await provisioning.owner_of(tx, there.id)
    if owned is None or owned.provisioner != visit.caller.id or not owned.gone:
        return _TAKEN
    if owned.external is not None and told.external is not None and owned.external != told.external:
        return _TAKEN
    changed = await _changed(tx, visit, there, told, off=owned.off)
    if isinstance(changed, Refused):
        return changed
    kept = Kept(there.id, told.external, visit.now, visit.now, off=switched_off(there, changed, owned.off))
    await provisioning.move_user(tx, visit.caller.id, kept)
    return Account(changed, kept)


async def _changed(tx: Tx, visit: Visit, old: User, told: Person, *, off: Instant) -> User | Refused:
    """Step: *old* as *told*; disabling it ends everything of that person at once."""
    new = as_told(old, told)
    if new == old:
        return old
    renamed = new.principal_name != old.principal_name and await upstream.link_of(tx, old.id) is None
    trusted = renamed and await provisioning.given_more(tx, visit.caller.id, old.id)
    refused = reach(old, new, off=off, trusted=trusted) or flaw(new, old) or await name_taken(tx, old, new)
    refused = refused or await guard_last_administrator(tx, old, new)
    return refused or await apply_change(tx, visit, old, new, f"provisioned by {visit.caller.name}")


async def change_person(house: House, visit: Visit, id: str, change: Change) -> Account | Refused:
    """
    Change one of the provisioner's own. Refused: as *change* says, NOT_FOUND, INVALID_VALUE, CONFLICT, FORBIDDEN (also
    for more than `active` of somebody with a role), LAST_ADMINISTRATOR.
    """

    async def body(tx: Tx) -> Account | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.ACCOUNTS.find(tx, visit.caller.id, UserId(id))
        told = refused or (change(Account(*found)) if found else _NOBODY)
        done = told if isinstance(told, Refused) or found is None else await _swapped(tx, visit, Account(*found), told)
        if isinstance(done, Refused):
            return await refuse(tx, visit, Action.PROVISION, done, target=f"user:{id[:64]}")
        assert isinstance(done, Account)
        return done

    return await house.store.write(body)


async def _swapped(tx: Tx, visit: Visit, old: Account, told: Person) -> Account | Refused:
    person = replace(told, user_name=normal_name(told.user_name), display_name=told.display_name.strip())
    refused = wrong_external(person.external)
    user = refused or await _changed(tx, visit, old.user, person, off=old.kept.off)
    if isinstance(user, Refused):
        return user
    if user == old.user and person.external == old.kept.external:
        return old
    off = switched_off(old.user, user, old.kept.off)
    kept = replace(old.kept, external=person.external, modified=visit.now, off=off)
    await provisioning.move_user(tx, visit.caller.id, kept)
    return Account(user, kept)


async def remove_person(house: House, visit: Visit, id: str) -> bool | Refused:
    """
    Somebody left for good: the account is disabled, stands in none of the provisioner's groups and is not shown to it
    any more. Refused: NOT_FOUND, LAST_ADMINISTRATOR, FORBIDDEN and its kin.
    """

    async def body(tx: Tx) -> bool | Refused:
        refused = judge(Action.PROVISION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.ACCOUNTS.find(tx, visit.caller.id, UserId(id))
        if found is not None:
            user, kept = found
            refused = await guard_last_administrator(tx, user, replace(user, enabled=False))
        if refused or found is None:
            return await refuse(tx, visit, Action.PROVISION, refused or _NOBODY, target=f"user:{id[:64]}")
        reason, left = f"deleted by {visit.caller.name}", user
        if user.enabled:
            left = await apply_change(tx, visit, user, replace(user, enabled=False), reason)
        await leave_provisioned(tx, visit, user)
        gone = replace(kept, modified=visit.now, off=switched_off(user, left, kept.off))
        await provisioning.move_user(tx, visit.caller.id, gone, gone=visit.now)
        return True

    return await house.store.write(body)
