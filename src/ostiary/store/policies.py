"""
Conditional access policies as rows: the Graph document is the stored form.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import groups, policies, policy_versions, users
from ostiary.store.sql import sql

_COLUMNS = (policies.c.id, policies.c.document, policies.c.created, policies.c.modified)
_ADD = sql(insert(policies).values({c.name: bindparam(c.name) for c in _COLUMNS}))
_FIND = sql(select(*_COLUMNS).where(policies.c.id == bindparam("id")))
_ALL = sql(select(*_COLUMNS).order_by(policies.c.created, policies.c.id))
_CHANGE = sql(
    update(policies)
    .where(policies.c.id == bindparam("id_"), policies.c.document == bindparam("old"))
    .values(document=bindparam("new"), modified=bindparam("now"))
)
_DROP = sql(delete(policies).where(policies.c.id == bindparam("id"), policies.c.document == bindparam("old")))


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """One policy as it was saved."""

    id: PolicyId
    document: dict[str, Any]
    """Graph's, without what has a column of its own (id and dates)."""
    created: Instant
    modified: Instant
    text: str = ""
    """The document as it stands in the row: what a change compares."""


def _policy(row: Row) -> StoredPolicy:
    return StoredPolicy(PolicyId(row[0]), orjson.loads(row[1]), Instant(row[2]), Instant(row[3]), row[1])


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


async def everything(tx: Tx) -> list[StoredPolicy]:
    """All of them, the oldest first."""
    return [_policy(row) for row in await tx.all(_ALL)]


async def find(tx: Tx, id: PolicyId) -> StoredPolicy | None:
    """The one with that id."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _policy(row)


async def add(tx: Tx, policy: StoredPolicy) -> None:
    """A new one."""
    document = _text(policy.document)
    await tx.run(_ADD, id=policy.id, document=document, created=policy.created, modified=policy.modified)


async def change(tx: Tx, old: StoredPolicy, document: dict[str, Any], *, now: Instant) -> bool:
    """Compare-and-swap: False when it is not *old* any more."""
    return await tx.run(_CHANGE, id_=old.id, old=old.text, new=_text(document), now=now) == 1


async def drop(tx: Tx, old: StoredPolicy) -> bool:
    """Delete it; False when it is not *old* any more."""
    return await tx.run(_DROP, id=old.id, old=old.text) == 1


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
        await tx.run(_REMEMBER, policy=id, version=0, document=_text(before))
    await tx.run(_REMEMBER, policy=id, version=version, document=None if after is None else _text(after))


async def at_version(tx: Tx, version: int) -> list[tuple[PolicyId, dict[str, Any]]]:
    """Every policy as it was at the picture's *version*; one that was never changed is as it is."""
    found: dict[str, str | None] = dict(await tx.all(_AT, version=version))  # the last of each stays
    found |= dict(await tx.all(_NEVER_CHANGED))
    return [(PolicyId(id), orjson.loads(text)) for id, text in found.items() if text is not None]


_USER = sql(select(users.c.id).where(users.c.id == bindparam("id")))
_GROUP = sql(select(groups.c.id).where(groups.c.id == bindparam("id")))


async def user_exists(tx: Tx, id: str) -> bool:
    """Whether an account has that id."""
    return await tx.one(_USER, id=id) is not None


async def group_exists(tx: Tx, id: str) -> bool:
    """Whether a group has that id."""
    return await tx.one(_GROUP, id=id) is not None
