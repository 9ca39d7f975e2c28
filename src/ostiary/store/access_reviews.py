"""
Access reviews and what they ask, as rows.
"""

from dataclasses import dataclass

import orjson
from sqlalchemy import bindparam, insert, select, tuple_, update

from ostiary.core.exemptions.access_review import Answer, Evidence, Item, Review
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import access_review_items, access_reviews, eligibilities, users
from ostiary.store.sql import sql

_REVIEW = (
    access_reviews.c.id, access_reviews.c.name, access_reviews.c.group, access_reviews.c.created,
    access_reviews.c.created_by, access_reviews.c.ends, access_reviews.c.stopped,
)  # fmt: skip
_ADD = sql(insert(access_reviews).values({c.name: bindparam(c.name) for c in _REVIEW if c.name != "stopped"}))
_ADD_ITEM = sql(
    insert(access_review_items).values(
        {n: bindparam(n) for n in ("id", "review", "eligibility", "evidence", "decision")}
    )
)
_FIND = sql(select(*_REVIEW).where(access_reviews.c.id == bindparam("id")))
_PAGE = sql(
    select(*_REVIEW)
    .where(tuple_(access_reviews.c.created, access_reviews.c.id) < tuple_(bindparam("created_"), bindparam("id_")))
    .order_by(access_reviews.c.created.desc(), access_reviews.c.id.desc())
    .limit(bindparam("most"))
)
_STOP = sql(
    update(access_reviews)
    .where(access_reviews.c.id == bindparam("id_"), access_reviews.c.stopped.is_(None))
    .values(stopped=bindparam("now"))
)
_ITEMS = (
    select(*access_review_items.c, eligibilities.c.user, users.c.principal_name, users.c.display_name)
    .join_from(access_review_items, eligibilities, eligibilities.c.id == access_review_items.c.eligibility)
    .join(users, users.c.id == eligibilities.c.user)
)
_OF = sql(
    _ITEMS.where(access_review_items.c.review == bindparam("review"), access_review_items.c.id > bindparam("after"))
    .order_by(access_review_items.c.id)
    .limit(bindparam("most"))
)
_ITEM = sql(
    _ITEMS.where(access_review_items.c.review == bindparam("review"), access_review_items.c.id == bindparam("id"))
)
_ANSWER = sql(
    update(access_review_items)
    .where(access_review_items.c.id == bindparam("id_"), access_review_items.c.decision == bindparam("old"))
    .values(decision=bindparam("new"), reason=bindparam("why"), at=bindparam("now"), by=bindparam("who"))
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and whom it is about."""

    item: Item
    user: UserId
    principal_name: str
    display_name: str


def _review(row: Row) -> Review:
    return Review(row[0], row[1], GroupId(row[2]), Instant(row[3]), row[4], Instant(row[5]), row[6])


def _asked(row: Row) -> Asked:
    id, review, eligibility, evidence, decision, reason, at, by = row[:8]
    known = Evidence(**orjson.loads(evidence))
    item = Item(id, review, ExemptionId(eligibility), known, Answer(decision), reason, at, by)
    return Asked(item, UserId(row[8]), row[9], row[10])


async def add(tx: Tx, review: Review, items: tuple[Item, ...]) -> None:
    """A new review with its questions."""
    await tx.run(
        _ADD, id=review.id, name=review.name, group=review.group, created=review.created,
        created_by=review.created_by, ends=review.ends,
    )  # fmt: skip
    for item in items:
        await tx.run(
            _ADD_ITEM, id=item.id, review=review.id, eligibility=item.eligibility, decision=item.decision.value,
            evidence=orjson.dumps(item.evidence, option=orjson.OPT_SORT_KEYS).decode(),
        )  # fmt: skip


async def find(tx: Tx, id: str) -> Review | None:
    """The review *id*."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _review(row)


async def page(tx: Tx, *, created: int, id: str, most: int) -> list[Review]:
    """Up to *most* reviews after that place, the newest first."""
    return [_review(row) for row in await tx.all(_PAGE, created_=created, id_=id, most=most)]


async def stop(tx: Tx, id: str, *, now: Instant) -> bool:
    """Take no more answers; False when it was stopped already."""
    return await tx.run(_STOP, id_=id, now=now) == 1


async def items(tx: Tx, review: str, *, after: str, most: int) -> list[Asked]:
    """Up to *most* questions of *review* after the one with the id *after*."""
    return [_asked(row) for row in await tx.all(_OF, review=review, after=after, most=most)]


async def item(tx: Tx, review: str, id: str) -> Asked | None:
    """One question."""
    row = await tx.one(_ITEM, review=review, id=id)
    return None if row is None else _asked(row)


async def answer(tx: Tx, old: Item, new: Answer, reason: str, *, now: Instant, by: str) -> bool:
    """Compare-and-swap the answer; False when somebody else gave another meanwhile."""
    return await tx.run(_ANSWER, id_=old.id, old=old.decision.value, new=new.value, why=reason, now=now, who=by) == 1
