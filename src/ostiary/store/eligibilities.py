"""
Who is eligible for exemptions, and the rules of a group, as rows.
"""

from dataclasses import dataclass, fields
from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, select, tuple_, update

from ostiary.core.exemptions.eligibility import Eligibility, Loss
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.place import Place
from ostiary.store.schema import eligibilities, exemption_rules, exemptions, users
from ostiary.store.sql import Sql, sql

_COLUMNS = tuple(field.name for field in fields(Eligibility))
_ALL = [eligibilities.c[name] for name in _COLUMNS]
_standing = (
    eligibilities.c.ended.is_(None),
    eligibilities.c.starts <= bindparam("now"),
    func.coalesce(eligibilities.c.ends, 2**63 - 1) > bindparam("now"),
)
_not_over = (eligibilities.c.ended.is_(None), func.coalesce(eligibilities.c.ends, 2**63 - 1) > bindparam("now"))
_last_use = (
    select(func.max(exemptions.c.starts))
    .where(exemptions.c.user == eligibilities.c.user, exemptions.c.used > 0)
    .correlate(eligibilities)
    .scalar_subquery()
)
_SHOWN = select(*_ALL, users.c.principal_name, users.c.display_name, _last_use).join_from(
    eligibilities, users, users.c.id == eligibilities.c.user
)

_ADD = sql(insert(eligibilities).values({name: bindparam(name) for name in _COLUMNS[:8]}))
_OF = sql(
    select(*_ALL)
    .where(eligibilities.c.user == bindparam("user"), eligibilities.c.group == bindparam("group"), *_not_over)
    .order_by(func.coalesce(eligibilities.c.ends, 2**63 - 1).desc(), eligibilities.c.id)
)
_SHOW = sql(_SHOWN.where(eligibilities.c.id == bindparam("id")))
_ENDED: dict[str, Any] = {"ended": bindparam("now"), "loss": bindparam("loss_"), "ended_by": bindparam("by_")}
_END = sql(update(eligibilities).where(eligibilities.c.id == bindparam("id_"), *_not_over).values(_ENDED))
_END_ALL = sql(
    update(eligibilities)
    .where(eligibilities.c.user == bindparam("user_"), *_not_over)
    .values(_ENDED)
    .returning(eligibilities.c.id)
)


async def add(tx: Tx, eligibility: Eligibility) -> None:
    """A new one."""
    await tx.run(_ADD, **{name: getattr(eligibility, name) for name in _COLUMNS[:8]})


def _eligibility(row: Row) -> Eligibility:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    loss = values["loss"]
    return Eligibility(**values | {"loss": Loss(loss) if loss is not None else None})


async def of(tx: Tx, user: UserId, group: GroupId, now: Instant) -> list[Eligibility]:
    """Those of *user* that are not over, the longest first; one may still lie ahead."""
    return [_eligibility(row) for row in await tx.all(_OF, user=user, group=group, now=now)]


async def standing(tx: Tx, user: UserId, group: GroupId, now: Instant) -> Eligibility | None:
    """The longest that stands at *now*."""
    return next((each for each in await of(tx, user, group, now) if each.stands(now)), None)


async def end(tx: Tx, id: ExemptionId, *, now: Instant, loss: Loss, by: str) -> bool:
    """Compare-and-swap: False when it was over already."""
    return await tx.run(_END, id_=id, now=now, loss_=loss.value, by_=by) == 1


async def end_all_of(tx: Tx, user: UserId, *, now: Instant, loss: Loss, by: str) -> list[ExemptionId]:
    """End every one of *user*; their ids, in order."""
    rows = await tx.all(_END_ALL, user_=user, now=now, loss_=loss.value, by_=by)
    return sorted(ExemptionId(row[0]) for row in rows)


# ---- lists


@dataclass(frozen=True, slots=True)
class Eligible:
    """An eligibility, whose it is, and when an exemption of theirs was used last."""

    eligibility: Eligibility
    principal_name: str
    display_name: str
    used: Instant | None


def _list(*, all_: bool, of_one: bool) -> Sql:
    whose = (eligibilities.c.user == bindparam("user"),) if of_one else ()
    state = () if all_ else _not_over
    place = tuple_(eligibilities.c.created, eligibilities.c.id) < tuple_(bindparam("created_"), bindparam("id_"))
    return sql(
        _SHOWN.where(*whose, *state, place)
        .order_by(eligibilities.c.created.desc(), eligibilities.c.id.desc())
        .limit(bindparam("most"))
    )


LISTS = {(all_, of_one): _list(all_=all_, of_one=of_one) for all_ in (False, True) for of_one in (False, True)}
STANDING = sql(_SHOWN.where(*_standing, eligibilities.c.group == bindparam("group")).order_by(eligibilities.c.id))


def _shown(row: Row) -> Eligible:
    own = len(_COLUMNS)
    used = row[own + 2]
    return Eligible(_eligibility(row[:own]), row[own], row[own + 1], Instant(used) if used is not None else None)


async def show(tx: Tx, id: ExemptionId) -> Eligible | None:
    """The one with that id."""
    row = await tx.one(_SHOW, id=id)
    return None if row is None else _shown(row)


async def page(tx: Tx, *, user: UserId | None, over: bool, now: Instant, after: Place, most: int) -> list[Eligible]:
    """Up to *most* after *after*, the newest first; with those that are over when *over*."""
    given: dict[str, object] = {"created_": after.moment, "id_": after.id, "most": most}
    given |= {} if user is None else {"user": user}
    given |= {} if over else {"now": now}
    return [_shown(row) for row in await tx.all(LISTS[over, user is not None], **given)]


async def everybody(tx: Tx, group: GroupId, now: Instant) -> list[Eligible]:
    """Everybody who is eligible for *group* at *now*."""
    return [_shown(row) for row in await tx.all(STANDING, group=group, now=now)]


# ---- rules


@dataclass(frozen=True, slots=True)
class StoredRules:
    """The documents of a group's rules, by id, as they were saved; what is not there is the default."""

    documents: dict[str, dict[str, Any]]
    modified: Instant | None = None
    modified_by: str = ""
    text: str = ""
    """As it stands in the row: what a change compares; empty while there is none."""


_RULES = sql(
    select(exemption_rules.c.documents, exemption_rules.c.modified, exemption_rules.c.modified_by).where(
        exemption_rules.c.group == bindparam("group")
    )
)
_ADD_RULES = sql(insert(exemption_rules).values({c.name: bindparam(c.name) for c in exemption_rules.c}))
_CHANGE_RULES = sql(
    update(exemption_rules)
    .where(exemption_rules.c.group == bindparam("group_"), exemption_rules.c.documents == bindparam("old"))
    .values(documents=bindparam("new"), modified=bindparam("now"), modified_by=bindparam("by"))
)


async def rules(tx: Tx, group: GroupId) -> StoredRules:
    """The rules of *group* as they were saved."""
    row = await tx.one(_RULES, group=group)
    return StoredRules({}) if row is None else StoredRules(orjson.loads(row[0]), Instant(row[1]), row[2], row[0])


async def save_rules(
    tx: Tx, group: GroupId, old: StoredRules, documents: dict[str, dict[str, Any]], *, now: Instant, by: str
) -> bool:
    """Compare-and-swap: False when they are not *old* any more."""
    text = orjson.dumps(documents, option=orjson.OPT_SORT_KEYS).decode()
    if not old.text:
        return await tx.run(_ADD_RULES, group=group, documents=text, modified=now, modified_by=by) == 1
    return await tx.run(_CHANGE_RULES, group_=group, old=old.text, new=text, now=now, by=by) == 1
