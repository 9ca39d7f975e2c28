"""
Applications, the identifiers under which they are resources, consents and assignments.

A registration is one JSON document, swapped as a whole; identifiers stand in a table of their own, normalised, so that
no two applications answer to one name.
"""

import json
from collections.abc import Iterable

from sqlalchemy import and_, bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import aliased

from ostiary.core.directory.applications import Application, from_document, normal_identifier, to_document
from ostiary.core.graph.application import Assignment, Consent
from ostiary.core.graph.query import Order
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.ask import Source
from ostiary.store.schema import applications, assignments, consents, groups, identifiers, users
from ostiary.store.sql import sql

_COLUMNS = (
    applications.c.id,
    applications.c.object_id,
    applications.c.display_name,
    applications.c.enabled,
    applications.c.registration,
    applications.c.created,
)
_FIND = sql(
    select(*_COLUMNS).where((applications.c.id == bindparam("key")) | (applications.c.object_id == bindparam("key")))
)
_ALL = sql(select(*_COLUMNS))
_ADD = sql(insert(applications).values({column.name: bindparam(column.name) for column in _COLUMNS}))
_CHANGE = sql(
    update(applications)
    .where(
        applications.c.id == bindparam("id_"),
        applications.c.display_name == bindparam("old_name"),
        applications.c.enabled == bindparam("old_enabled"),
        applications.c.registration == bindparam("old_registration"),
    )
    .values({name: bindparam(name) for name in ("display_name", "enabled", "registration")})
)
_DELETE = sql(delete(applications).where(applications.c.id == bindparam("id_")))
_STORED = sql(select(applications.c.registration).where(applications.c.id == bindparam("id")))
_HOLDER = sql(select(identifiers.c.application).where(identifiers.c.uri == bindparam("uri")))
_NAME = sql(insert(identifiers).values(uri=bindparam("uri"), application=bindparam("application")))
_UNNAME = sql(delete(identifiers).where(identifiers.c.application == bindparam("application_")))


def application_from(row: Row) -> Application:
    """One row as a value."""
    id, object_id, name, enabled, registration, created = row
    return from_document(
        json.loads(registration), id=id, object_id=object_id, name=name, enabled=bool(enabled), created=created
    )


APPLICATIONS: Source[Application] = Source(
    select(*_COLUMNS),
    {column.name: column for column in _COLUMNS if column.name != "registration"},
    applications.c.id,
    Order("display_name"),
    application_from,
)


async def find(tx: Tx, key: str) -> Application | None:
    """The application whose client id or object id is *key*."""
    row = await tx.one(_FIND, key=key)
    return None if row is None else application_from(row)


async def everything(tx: Tx) -> tuple[Application, ...]:
    """Every registration."""
    return tuple(application_from(row) for row in await tx.all(_ALL))


async def add(tx: Tx, application: Application) -> None:
    """Insert a registration with its identifiers. The caller has made sure that ids and identifiers are free."""
    await tx.run(
        _ADD, id=application.id, object_id=application.object_id, display_name=application.name,
        enabled=int(application.enabled), registration=json.dumps(to_document(application)),
        created=application.created,
    )  # fmt: skip
    await _name(tx, application.id, application.identifier_uris)


async def change(tx: Tx, old: Application, new: Application) -> bool:
    """Compare-and-swap the registration; False when it moved meanwhile."""
    row = await tx.one(_STORED, id=old.id)
    if row is None or from_document(
        json.loads(row[0]), id=old.id, object_id=old.object_id, name=old.name, enabled=old.enabled, created=old.created
    ) != old:  # fmt: skip
        return False
    changed = await tx.run(
        _CHANGE, id_=old.id, old_name=old.name, old_enabled=int(old.enabled), old_registration=row[0],
        display_name=new.name, enabled=int(new.enabled), registration=json.dumps(to_document(new)),
    )  # fmt: skip
    if changed == 1 and new.identifier_uris != old.identifier_uris:
        await tx.run(_UNNAME, application_=old.id)
        await _name(tx, new.id, new.identifier_uris)
    return changed == 1


async def _name(tx: Tx, id: AppId, uris: Iterable[str]) -> None:
    for uri in uris:
        await tx.run(_NAME, uri=normal_identifier(uri), application=id)


async def remove(tx: Tx, id: AppId) -> bool:
    """Delete the registration with its identifiers, consents and assignments."""
    return await tx.run(_DELETE, id_=id) == 1


async def holder(tx: Tx, uri: str) -> AppId | None:
    """Which application answers to the identifier *uri*."""
    row = await tx.one(_HOLDER, uri=normal_identifier(uri))
    return None if row is None else AppId(row[0])


# ---- consents

_client, _resource = aliased(applications, name="client"), aliased(applications, name="resource")
_consented = (
    select(consents.c.client, _client.c.object_id, consents.c.resource, _resource.c.object_id, consents.c.scopes)
    .join(_client, _client.c.id == consents.c.client)
    .join(_resource, _resource.c.id == consents.c.resource)
)
_CONSENT = sql(
    _consented.where(consents.c.client == bindparam("client_"), consents.c.resource == bindparam("resource_"))
)
_GRANT = sql(insert(consents).values({name: bindparam(name) for name in ("client", "resource", "scopes", "created")}))
_REGRANT = sql(
    update(consents)
    .where(
        consents.c.client == bindparam("client_"),
        consents.c.resource == bindparam("resource_"),
        consents.c.scopes == bindparam("old_scopes"),
    )
    .values(scopes=bindparam("scopes"))
)
_WITHDRAW = sql(
    delete(consents).where(consents.c.client == bindparam("client_"), consents.c.resource == bindparam("resource_"))
)


def consent_from(row: Row) -> Consent:
    """One row as a value."""
    client, client_object, resource, resource_object, scopes = row
    return Consent(AppId(client), client_object, AppId(resource), resource_object, tuple(scopes.split()))


CONSENTS: Source[Consent] = Source(
    _consented,
    {"client": _client.c.object_id, "resource": _resource.c.object_id, "created": consents.c.created},
    consents.c.client + "_" + consents.c.resource,
    Order("created"),
    consent_from,
)


async def consent(tx: Tx, client: str, resource: str) -> Consent | None:
    """What *client* has consent to at *resource*."""
    row = await tx.one(_CONSENT, client_=client, resource_=resource)
    return None if row is None else consent_from(row)


async def put_consent(tx: Tx, old: Consent | None, new: Consent, now: Instant) -> bool:
    """Write *new* over *old*; False when it moved meanwhile."""
    if old is None:
        return await tx.run(
            _GRANT, client=new.client, resource=new.resource, scopes=" ".join(new.scopes), created=now
        ) == 1  # fmt: skip
    changed = await tx.run(
        _REGRANT, client_=old.client, resource_=old.resource, old_scopes=" ".join(old.scopes),
        scopes=" ".join(new.scopes),
    )  # fmt: skip
    return changed == 1


async def withdraw(tx: Tx, old: Consent) -> bool:
    """Take a consent back."""
    return await tx.run(_WITHDRAW, client_=old.client, resource_=old.resource) == 1


# ---- assignments

_names = func.coalesce(
    case((assignments.c.principal_kind == "User", users.c.display_name), else_=groups.c.display_name), ""
)
_assigned = (
    select(
        assignments.c.id,
        applications.c.object_id,
        applications.c.display_name,
        assignments.c.principal,
        assignments.c.principal_kind,
        _names,
        assignments.c.created,
    )
    .join(applications, applications.c.id == assignments.c.application)
    .outerjoin(users, and_(users.c.id == assignments.c.principal, assignments.c.principal_kind == "User"))
    .outerjoin(groups, and_(groups.c.id == assignments.c.principal, assignments.c.principal_kind == "Group"))
    .where(assignments.c.application == bindparam("application_"))
)
_ASSIGNMENT = sql(_assigned.where(assignments.c.id == bindparam("id_")))
_OF_PRINCIPAL = sql(_assigned.where(assignments.c.principal == bindparam("principal_")))
_ASSIGN = sql(
    insert(assignments).values(
        {name: bindparam(name) for name in ("id", "application", "principal", "principal_kind", "created")}
    )
)
_UNASSIGN = sql(delete(assignments).where(assignments.c.id == bindparam("id_")))


def assignment_from(row: Row) -> Assignment:
    """One row as a value."""
    return Assignment(*row)


ASSIGNMENTS: Source[Assignment] = Source(
    _assigned,
    {
        "principal": assignments.c.principal,
        "kind": assignments.c.principal_kind,
        "created": assignments.c.created,
    },
    assignments.c.id,
    Order("created"),
    assignment_from,
)
"""Of the application `application_`."""


async def assignment(tx: Tx, application: AppId, *, id: str = "", principal: str = "") -> Assignment | None:
    """The assignment *id* of *application*, or the one of *principal*."""
    row = (
        await tx.one(_ASSIGNMENT, application_=application, id_=id)
        if id
        else await tx.one(_OF_PRINCIPAL, application_=application, principal_=principal)
    )
    return None if row is None else assignment_from(row)


async def assign(tx: Tx, id: str, application: AppId, principal: str, kind: str, now: Instant) -> None:
    """Insert an assignment. The caller has made sure that there is none of this principal."""
    await tx.run(
        _ASSIGN, id=id, application=application, principal=principal, principal_kind=kind, created=now
    )  # fmt: skip


async def unassign(tx: Tx, id: str) -> bool:
    """Take an assignment away."""
    return await tx.run(_UNASSIGN, id_=id) == 1
