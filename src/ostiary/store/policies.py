"""
Conditional access policies as rows, and what they said before.
"""

from typing import Any

import orjson
from sqlalchemy import bindparam, insert, literal_column, select

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.documents import Documents, text
from ostiary.store.logs import ENTRIES, recorded
from ostiary.store.schema import groups, journal, policies, policy_versions, users
from ostiary.store.schema_logs import AUDITED
from ostiary.store.sql import sql

_ROWS: Documents[PolicyId] = Documents(policies)
everything, find, add, change, drop = _ROWS.everything, _ROWS.find, _ROWS.add, _ROWS.change, _ROWS.drop

_REMEMBERED = sql(select(policy_versions.c.version).where(policy_versions.c.policy == bindparam("policy")).limit(1))
_REMEMBER = sql(insert(policy_versions).values({c.name: bindparam(c.name) for c in policy_versions.c}))
_AT = sql(
    select(policy_versions.c.policy, policy_versions.c.document)
    .where(policy_versions.c.version <= bindparam("version"))
    .order_by(policy_versions.c.policy, policy_versions.c.version)
)
_NEVER_CHANGED = sql(
    select(policies.c.id, policies.c.document)
    .where(policies.c.id.not_in(select(policy_versions.c.policy)))
    .order_by(policies.c.created, policies.c.id)
)


async def remember(
    tx: Tx, id: PolicyId, *, before: dict[str, Any] | None, after: dict[str, Any] | None, version: int
) -> None:
    """From the picture's *version* on the policy says *after* (None: it is gone). What it said before is kept too."""
    if before is not None and await tx.one(_REMEMBERED, policy=id) is None:
        await tx.run(_REMEMBER, policy=id, version=0, document=text(before))
    await tx.run(_REMEMBER, policy=id, version=version, document=None if after is None else text(after))


async def at_version(tx: Tx, version: int) -> list[tuple[PolicyId, dict[str, Any]]]:
    """Every policy as it was at the picture's *version*; one that was never changed is as it is."""
    found: dict[str, str | None] = dict(await tx.all(_AT, version=version))  # the last of each stays
    found |= dict(await tx.all(_NEVER_CHANGED))
    return [(PolicyId(id), orjson.loads(said)) for id, said in found.items() if said is not None]


_CHANGED = (Kind.POLICY_CREATED.value, Kind.POLICY_CHANGED.value, Kind.POLICY_DELETED.value)
_CHANGES = ENTRIES.where(
    literal_column(AUDITED.text, type_=None),  # the words of the partial index itself: only then is it used
    journal.c.target == bindparam("target"), journal.c.kind.in_(_CHANGED),
    journal.c.at >= bindparam("since"), journal.c.at < bindparam("until"),
).limit(bindparam("most"))  # fmt: skip
_LATEST = sql(_CHANGES.order_by(journal.c.at.desc(), journal.c.position.desc()))
_EARLIEST = sql(_CHANGES.order_by(journal.c.at, journal.c.position))
_ORIGINAL = sql(
    select(policy_versions.c.document).where(
        policy_versions.c.policy == bindparam("policy"), policy_versions.c.version == 0
    )
)
_ENDLESS = Instant(2**63 - 1)


async def changes(
    tx: Tx, id: str, *, since: Instant = Instant(0), until: Instant = _ENDLESS, most: int, rising: bool = False
) -> list[Recorded]:
    """Up to *most* entries that changed policy *id* from *since* until *until*, the latest first unless *rising*."""
    statement = _EARLIEST if rising else _LATEST
    return [
        recorded(row) for row in await tx.all(statement, target=f"policy:{id}", since=since, until=until, most=most)
    ]


async def original(tx: Tx, id: str) -> dict[str, Any] | None:
    """What a policy of the founding said before it was changed for the first time; None of all others."""
    row = await tx.one(_ORIGINAL, policy=id)
    return None if row is None or row[0] is None else orjson.loads(row[0])


_USER = sql(select(users.c.id).where(users.c.id == bindparam("id")))
_GROUP = sql(select(groups.c.id).where(groups.c.id == bindparam("id")))


async def user_exists(tx: Tx, id: str) -> bool:
    """Whether an account has that id."""
    return await tx.one(_USER, id=id) is not None


async def group_exists(tx: Tx, id: str) -> bool:
    """Whether a group has that id."""
    return await tx.one(_GROUP, id=id) is not None
