"""
What administrators consent to for everybody (client, resource, scopes), and who may use an application.

Consent is never a person's own: nothing is granted that no administrator wrote down here. An assignment counts where
the registration demands one, and is looked at in the transaction that decides.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import Application
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.application import Assignment, Consent
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.applications import NO_APPLICATION
from ostiary.services.directory.search import FOREIGN_CURSOR, search
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, groups, registry
from ostiary.store.access import raise_version
from ostiary.store.ask import ask

T = TypeVar("T")

_WRITE = Action.WRITE_APPLICATIONS
_NO_CONSENT = Refused(Reason.NOT_FOUND, "There is no such consent.")


async def search_consents(house: House, visit: Visit, query: Query) -> Page[Consent] | Refused:
    """Consents, the oldest first."""
    return await search(house, visit, registry.CONSENTS, query, action=Action.READ_DIRECTORY)


async def find_consent(house: House, visit: Visit, id: str) -> Consent | Refused:
    """One consent."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)

    async def body(tx: Tx) -> Consent | Refused:
        return refused or await _by_id(tx, id) or _NO_CONSENT

    return await house.store.read(body)


async def _by_id(tx: Tx, id: str) -> Consent | None:
    client, _, resource = id.partition("_")
    return await registry.consent(tx, client, resource)


async def create_consent(house: House, visit: Visit, changes: Mapping[str, Any], reason: str = "") -> Consent | Refused:
    """
    Consent for a client (`client`, `resource`, `scope`: names with spaces between).

    Refused: FORBIDDEN and its kin, INVALID_VALUE for an unknown application or scope, CONFLICT where there is one.
    """

    async def body(tx: Tx) -> Consent | Refused:
        new = judge(_WRITE, visit.caller, now=visit.now) or await _asked(tx, changes)
        if isinstance(new, Consent) and await registry.consent(tx, new.client, new.resource):
            new = Refused(Reason.CONFLICT, "There is a consent for this pair. Change it instead.")
        if isinstance(new, Refused):
            return await refuse(tx, visit, _WRITE, new, target="consent:")
        return await _put(tx, visit, None, new, reason)

    return await _settled(house, await house.store.write(body))


async def _asked(tx: Tx, changes: Mapping[str, Any]) -> Consent | Refused:
    """Step: the consent that *changes* describe."""
    client, resource = await registry.find(tx, changes["client"]), await registry.find(tx, changes["resource"])
    if client is None or resource is None:
        return Refused(
            Reason.INVALID_VALUE, "There is no such application.", field="clientId" if client is None else "resourceId"
        )
    scopes = _scopes(resource, changes["scope"])
    if isinstance(scopes, Refused):
        return scopes
    return Consent(client.id, client.object_id, resource.id, resource.object_id, scopes)


def _scopes(resource: Application, text: str) -> tuple[str, ...] | Refused:
    """The scopes in *text*, which *resource* must expose."""
    asked = tuple(dict.fromkeys(text.split()))
    known = {scope.value for scope in resource.scopes}
    unknown = next((scope for scope in asked if scope not in known), None)
    if unknown is not None or not asked:
        return Refused(Reason.INVALID_VALUE, f"{resource.name} has no scope {(unknown or '')[:60]!r}.", field="scope")
    return asked


async def change_consent(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = ""
) -> Consent | Refused:
    """Consent to other scopes. Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE."""

    async def body(tx: Tx) -> Consent | Refused:
        old = judge(_WRITE, visit.caller, now=visit.now) or await _by_id(tx, id) or _NO_CONSENT
        new = old if isinstance(old, Refused) else await _changed(tx, old, changes)
        if isinstance(old, Refused) or isinstance(new, Refused):
            return await refuse(tx, visit, _WRITE, new if isinstance(new, Refused) else _NO_CONSENT, target="consent:")
        return new if new == old else await _put(tx, visit, old, new, reason)

    return await _settled(house, await house.store.write(body))


async def _changed(tx: Tx, old: Consent, changes: Mapping[str, Any]) -> Consent | Refused:
    asked = {"scope": " ".join(old.scopes), **changes, "client": old.client, "resource": old.resource}
    return await _asked(tx, asked)


async def _put(tx: Tx, visit: Visit, old: Consent | None, new: Consent, reason: str) -> Consent:
    """Step: write it, with its entry."""
    if not await registry.put_consent(tx, old, new, visit.now):
        raise BrokenState(f"the consent {new.id} moved in its own transaction")
    await _recorded(tx, visit, new, before=old.scopes if old else (), after=new.scopes, reason=reason)
    return new


async def delete_consent(house: House, visit: Visit, id: str) -> Consent | Refused:
    """Take a consent back; refreshes lose its scopes. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> Consent | Refused:
        old = judge(_WRITE, visit.caller, now=visit.now) or await _by_id(tx, id) or _NO_CONSENT
        if isinstance(old, Refused):
            return await refuse(tx, visit, _WRITE, old, target="consent:")
        await registry.withdraw(tx, old)
        await _recorded(tx, visit, old, before=old.scopes, after=(), reason="")
        return old

    return await _settled(house, await house.store.write(body))


async def _recorded(
    tx: Tx, visit: Visit, consent: Consent, *, before: tuple[str, ...], after: tuple[str, ...], reason: str
) -> None:
    """Step: the entry, and memory is old."""
    detail = {
        "client": consent.client,
        "resource": consent.resource,
        "before": {"scopes": before},
        "after": {"scopes": after},
        "reason": tame(reason),
    }
    await record(tx, visit, Entry(Kind.CONSENT_CHANGED, target=f"application:{consent.client}", detail=detail))
    await raise_version(tx, PICTURE)


async def _settled(house: House, outcome: T) -> T:
    await house.desk.reload()
    return outcome


# ---- assignments


async def assignments_of(house: House, visit: Visit, key: str, query: Query) -> Page[Assignment] | Refused:
    """Who is assigned to an application (by client id or object id)."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)

    async def body(tx: Tx) -> Page[Assignment] | Refused:
        application = refused or await registry.find(tx, key) or NO_APPLICATION
        if isinstance(application, Refused):
            return application
        return await ask(tx, registry.ASSIGNMENTS, query, application_=application.id) or FOREIGN_CURSOR

    return await house.store.survey(body)


async def assign(
    house: House, visit: Visit, key: str, changes: Mapping[str, Any], reason: str = ""
) -> Assignment | Refused:
    """
    Let a person or group (`principal`) use an application.

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE for an unknown principal or another resource, CONFLICT.
    """
    id = house.random.guid()

    async def body(tx: Tx) -> Assignment | Refused:
        found = judge(_WRITE, visit.caller, now=visit.now) or await registry.find(tx, key) or NO_APPLICATION
        kind = found if isinstance(found, Refused) else await _assignable(tx, found, changes)
        if isinstance(found, Refused) or isinstance(kind, Refused):
            refused = kind if isinstance(kind, Refused) else NO_APPLICATION
            return await refuse(tx, visit, _WRITE, refused, target=f"application:{key[:64]}")
        await registry.assign(tx, id, found.id, changes["principal"], kind, visit.now)
        made = await registry.assignment(tx, found.id, id=id)
        if made is None:
            raise BrokenState("an assignment is gone in its own transaction")
        await _assigned(tx, visit, found, made, "assigned", reason)
        return made

    return await house.store.write(body)


async def _assignable(tx: Tx, application: Application, changes: Mapping[str, Any]) -> str | Refused:
    """Step: what kind of principal it is, `User` or `Group`."""
    principal = changes["principal"]
    if changes.get("resource", application.object_id) not in (application.object_id, application.id):
        return Refused(Reason.INVALID_VALUE, "The address names another application.", field="resourceId")
    if await registry.assignment(tx, application.id, principal=principal):
        return Refused(Reason.CONFLICT, "It is assigned already.")
    if await directory.find(tx, UserId(principal)):
        return "User"
    if await groups.find(tx, GroupId(principal)):
        return "Group"
    return Refused(Reason.INVALID_VALUE, "There is no such person or group.", field="principalId")


async def unassign(house: House, visit: Visit, key: str, id: str) -> Assignment | Refused:
    """Take an assignment away. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> Assignment | Refused:
        found = judge(_WRITE, visit.caller, now=visit.now) or await registry.find(tx, key) or NO_APPLICATION
        old = None if isinstance(found, Refused) else await registry.assignment(tx, found.id, id=id[:64] or "-")
        if isinstance(found, Refused) or old is None:
            refused = found if isinstance(found, Refused) else Refused(Reason.NOT_FOUND, "There is no such assignment.")
            return await refuse(tx, visit, _WRITE, refused, target=f"application:{key[:64]}")
        await registry.unassign(tx, old.id)
        await _assigned(tx, visit, found, old, "unassigned", "")
        return old

    return await house.store.write(body)


async def _assigned(
    tx: Tx, visit: Visit, application: Application, assignment: Assignment, what: str, reason: str
) -> None:
    """Step: the entry. Nothing in memory shows assignments."""
    detail = {
        "name": tame(application.name),
        "principal": assignment.principal,
        "principal_kind": assignment.kind,
        "change": what,
        "reason": tame(reason),
    }
    await record(tx, visit, Entry(Kind.ASSIGNMENT_CHANGED, target=f"application:{application.id}", detail=detail))
