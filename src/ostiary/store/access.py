"""
What decisions read: the version rows, the rows of the picture, and what is known of one person in one statement.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.locations import Geo, atlas, no_geo, read_location
from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.access.picture import Organisation, Picture
from ostiary.core.access.policy_set import compile_set
from ostiary.core.directory.applications import Application, from_document
from ostiary.core.directory.people import EXCEPTION, Role, User
from ostiary.core.exemptions.compile_rules import compile_rules
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.could_pass import Candidate, Opening, Openings
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import AppId, GroupId, PolicyId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx, kill_switch
from ostiary.store.eligibilities import rules as stored_rules
from ostiary.store.exemptions import ALL as EXEMPTION_COLUMNS
from ostiary.store.exemptions import NOT_ENDED, exemption_of
from ostiary.store.schema import (
    applications,
    assignments,
    consents,
    eligibilities,
    exemptions,
    groups,
    identifiers,
    members,
    named_locations,
    organisation,
    policies,
    users,
    versions,
)
from ostiary.store.sql import sql

_number = select(versions.c.number)
_VERSIONS = sql(
    select(
        _number.where(versions.c.name == bindparam("picture", PICTURE)).scalar_subquery(),
        _number.where(versions.c.name == bindparam("openings", OPENINGS)).scalar_subquery(),
    )
)
_RAISE = sql(update(versions).where(versions.c.name == bindparam("name_")).values(number=versions.c.number + 1))
_ADD_VERSION = sql(insert(versions).values(name=bindparam("name"), number=1))
_ORGANISATION = sql(select(organisation.c.tenant, organisation.c.name, organisation.c.domains, organisation.c.sample))
_EXCEPTION_GROUP = sql(select(groups.c.id).where(groups.c.purpose == bindparam("purpose", EXCEPTION)))
_POLICIES = sql(select(policies.c.id, policies.c.document).order_by(policies.c.created, policies.c.id))
_LOCATIONS = sql(select(named_locations.c.id, named_locations.c.document).order_by(named_locations.c.id))
_APPLICATIONS = sql(select(*applications.c))
_IDENTIFIERS = sql(select(identifiers.c.uri, identifiers.c.application))
_CONSENTS = sql(select(consents.c.client, consents.c.resource, consents.c.scopes))

_ASSIGNED = sql(select(assignments.c.principal).where(assignments.c.application == bindparam("application")))

_standing_groups = (
    select(func.aggregate_strings(members.c.group, " "))
    .where(members.c.user == users.c.id)
    .correlate(users)
    .scalar_subquery()
)
_person = (
    users.c.id, users.c.principal_name, users.c.display_name, users.c.mail, users.c.enabled, users.c.roles,
    users.c.created, users.c.epoch, users.c.vouched, _standing_groups,
)  # fmt: skip
PERSON = 10  # columns of `_person`
_active = and_(
    exemptions.c.user == users.c.id,
    NOT_ENDED,
    exemptions.c.starts <= bindparam("now"),
    exemptions.c.ends > bindparam("now"),
)
_KNOWN_OF = sql(
    select(*_person, *EXEMPTION_COLUMNS)
    .select_from(users.outerjoin(exemptions, _active))
    .where(users.c.id == bindparam("user"))
    .order_by(exemptions.c.ends.desc())
)
_OPEN = sql(
    select(*_person, *EXEMPTION_COLUMNS)
    .select_from(users.join(exemptions, exemptions.c.user == users.c.id))
    .where(users.c.enabled == 1, NOT_ENDED, exemptions.c.ends > bindparam("now"))
)
_ELIGIBLE = sql(
    select(*_person, eligibilities.c.starts, eligibilities.c.ends)
    .select_from(users.join(eligibilities, eligibilities.c.user == users.c.id))
    .join(groups, groups.c.id == eligibilities.c.group)
    .where(
        users.c.enabled == 1,
        groups.c.purpose == bindparam("purpose", EXCEPTION),
        eligibilities.c.ended.is_(None),
        or_(eligibilities.c.ends.is_(None), eligibilities.c.ends > bindparam("now")),
    )
)


async def current_versions(tx: Tx) -> tuple[int, int]:
    """The numbers of the picture and of the openings. Raises BrokenState when the house was never founded."""
    row = await tx.one(_VERSIONS)
    if row is None or row[0] is None or row[1] is None:
        raise BrokenState("the version rows are missing")
    return row[0], row[1]


async def raise_version(tx: Tx, name: str) -> None:
    """Tell every node that its *name* (PICTURE or OPENINGS) is old."""
    if not await tx.run(_RAISE, name_=name):
        await tx.run(_ADD_VERSION, name=name)


async def take_picture(tx: Tx, look: Callable[[str], Geo] = no_geo) -> Picture:
    """The organisation's registrations, policies and locations as they stand; *look* asks the geo files."""
    version, _ = await current_versions(tx)
    row, group = await tx.one(_ORGANISATION), await tx.one(_EXCEPTION_GROUP)
    if row is None or group is None:
        raise BrokenState("there is no organisation or no exception group")
    known = {app.id: app for app in map(_application, await tx.all(_APPLICATIONS))}
    resources = {**known, **{uri: known[AppId(id)] for uri, id in await tx.all(_IDENTIFIERS)}}
    rules = [compile_policy(PolicyId(id), orjson.loads(document)).policy for id, document in await tx.all(_POLICIES)]
    return Picture(
        version=version,
        organisation=Organisation(row[0], row[1], tuple(orjson.loads(row[2])), bool(row[3])),
        exception_group=GroupId(group[0]),
        policies=compile_set(rules),
        applications=MappingProxyType(known),
        resources=MappingProxyType(resources),
        consents=MappingProxyType({(c, r): frozenset(s.split()) for c, r, s in await tx.all(_CONSENTS)}),
        atlas=atlas((read_location(id, orjson.loads(text))[0] for id, text in await tx.all(_LOCATIONS)), look),
        switch=await kill_switch.find(tx),
    )


def _application(row: Row) -> Application:
    id, object_id, name, enabled, registration, created = row
    return from_document(
        orjson.loads(registration), id=id, object_id=object_id, name=name, enabled=bool(enabled), created=created
    )


async def take_openings(tx: Tx, now: Instant) -> Openings:
    """
    Every exemption of an enabled account that is open at *now* or will be, and every enabled account that may ask.
    Nobody may under rules that cannot be read.
    """
    _, version = await current_versions(tx)
    group, rows = await tx.one(_EXCEPTION_GROUP), await tx.all(_OPEN, now=now)
    rules = compile_rules((await stored_rules(tx, group[0])).documents) if group is not None else None
    eligible = () if rules is None or rules.problems else await tx.all(_ELIGIBLE, now=now)
    return Openings(
        version,
        tuple(Opening(exemption_of(row[PERSON:]), row[1], _groups(row), _roles(row)) for row in rows),
        tuple(Candidate(UserId(row[0]), row[PERSON], row[PERSON + 1], _groups(row), _roles(row)) for row in eligible),
        rules.rules.narrow if rules is not None else frozenset(),
    )


def _roles(row: Row) -> frozenset[str]:
    return frozenset(str(role) for role in orjson.loads(row[5]))


async def known_of(tx: Tx, user: UserId, now: Instant) -> tuple[User, frozenset[GroupId], tuple[Exemption, ...]] | None:
    """A person, their standing groups and the exemptions active at *now*, the longest first: one statement."""
    rows = await tx.all(_KNOWN_OF, user=user, now=now)
    if not rows:
        return None
    active = tuple(exemption_of(row[PERSON:]) for row in rows if row[PERSON] is not None)
    return user_of(rows[0]), _groups(rows[0]), active


def user_of(row: Row) -> User:
    """The first nine columns as an account."""
    id, principal_name, display_name, mail, enabled, roles, created, epoch, vouched = row[:9]
    held: list[Any] = orjson.loads(roles)
    return User(
        UserId(id), principal_name, display_name, mail, bool(enabled), frozenset(Role(r) for r in held),
        Instant(created), Instant(epoch), None if vouched is None else Instant(vouched),
    )  # fmt: skip


def _groups(row: Row) -> frozenset[GroupId]:
    return frozenset(GroupId(id) for id in (row[9] or "").split())


async def is_assigned(tx: Tx, application: AppId, principals: set[str]) -> bool:
    """Whether one of *principals* (a person's id and their groups') is assigned to *application*."""
    return any(row[0] in principals for row in await tx.all(_ASSIGNED, application=application))
