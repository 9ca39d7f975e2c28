"""
The first rows of a house, written once and together.
"""

import json

import orjson
from sqlalchemy import bindparam, insert, select

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import Application, normal_identifier, to_document
from ostiary.core.directory.founding import Plan
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import applications, consents, groups, identifiers, organisation, policies, versions
from ostiary.store.sql import sql

_FOUNDED = sql(select(organisation.c.tenant, organisation.c.sample))
_ORGANISATION = sql(insert(organisation).values({c.name: bindparam(c.name) for c in organisation.c}))
_VERSION = sql(insert(versions).values(name=bindparam("name"), number=1))
_GROUP = sql(insert(groups).values({c.name: bindparam(c.name) for c in groups.c}))
_POLICY = sql(insert(policies).values({c.name: bindparam(c.name) for c in policies.c}))
_APPLICATION = sql(insert(applications).values({c.name: bindparam(c.name) for c in applications.c}))
_IDENTIFIER = sql(insert(identifiers).values(uri=bindparam("uri"), application=bindparam("application")))
_CONSENT = sql(insert(consents).values({c.name: bindparam(c.name) for c in consents.c}))


async def founded(tx: Tx) -> tuple[str, bool] | None:
    """The tenant, and whether it is a sample; None in an empty house."""
    row = await tx.one(_FOUNDED)
    return None if row is None else (row[0], bool(row[1]))


async def write(tx: Tx, plan: Plan, now: Instant) -> None:
    """Everything of *plan* but the people."""
    await tx.run(
        _ORGANISATION, tenant=plan.tenant, name=plan.name, domains=json.dumps(plan.domains), sample=int(plan.sample),
        created=now,
    )  # fmt: skip
    for name in (PICTURE, OPENINGS):
        await tx.run(_VERSION, name=name)
    group = plan.group
    await tx.run(
        _GROUP, id=group.id, display_name=group.display_name, description=group.description, purpose=group.purpose,
        created=now,
    )  # fmt: skip
    document = orjson.dumps(plan.policy, option=orjson.OPT_SORT_KEYS).decode()
    await tx.run(_POLICY, id=plan.policy_id, document=document, created=now, modified=now)
    for application in plan.applications:
        await _register(tx, application, now)
    for consent in plan.consents:
        await tx.run(
            _CONSENT, client=consent.client, resource=consent.resource, scopes=" ".join(consent.scopes), created=now
        )


async def _register(tx: Tx, application: Application, now: Instant) -> None:
    await tx.run(
        _APPLICATION, id=application.id, object_id=application.object_id, display_name=application.name,
        enabled=int(application.enabled), registration=json.dumps(to_document(application)), created=now,
    )  # fmt: skip
    for uri in application.identifier_uris:
        await tx.run(_IDENTIFIER, uri=normal_identifier(uri), application=application.id)
