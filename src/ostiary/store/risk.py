"""
How risky a sign-in and its person are, in one statement of a few index look-ups: it runs in each deciding transaction.
"""

from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, literal, or_, select

from ostiary.core.access.facts import UNKNOWN, Unknown
from ostiary.core.detections.finding import State
from ostiary.core.detections.risk import BEHIND, LASTS, level
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, between
from ostiary.store import Row, Tx
from ostiary.store.schema import cursors, finding_stories, findings, journal
from ostiary.store.sql import sql

__all__ = ["READER", "Risks", "Standing", "counting", "counts_by", "risk_levels", "risky", "risky_one", "version"]

READER = "detections"
"""The cursor of what runs the rules."""


class Risks(NamedTuple):
    """Two levels, as conditional access names them."""

    sign_in: str | Unknown = UNKNOWN
    person: str | Unknown = UNKNOWN


def _of_person(rank: int) -> Any:
    """*rank*, where a finding of that rank about the person still counts."""
    return select(literal(rank)).where(findings.c.user == bindparam("user"), _counts(rank)).limit(1).scalar_subquery()


def _counts(rank: int) -> Any:
    return and_(findings.c.person_risk == rank, findings.c.at > bindparam("now") - LASTS[rank])


_CURSOR = select(cursors.c.position).where(cursors.c.reader == bindparam("reader", READER)).scalar_subquery()
_UNREAD = select(journal.c.at).where(journal.c.position > func.coalesce(_CURSOR, 0)).order_by(journal.c.position)
_OF_SIGN_IN = (
    select(func.max(findings.c.sign_in_risk))
    .join(finding_stories, finding_stories.c.finding == findings.c.id)
    .where(finding_stories.c.story == bindparam("story"))
)
_RISKS = sql(
    select(
        _UNREAD.limit(1).scalar_subquery(),
        func.coalesce(_OF_SIGN_IN.scalar_subquery(), 0),
        func.coalesce(*(_of_person(rank) for rank in sorted(LASTS, reverse=True)), 0),
    )
)


_STANDING = select(
    findings.c.user, func.max(findings.c.person_risk), func.max(findings.c.changed),
    func.max(case((findings.c.state == State.CONFIRMED.value, 1), else_=0)),
).where(or_(*(_counts(rank) for rank in LASTS))).group_by(findings.c.user)  # fmt: skip
_RISKY = sql(
    _STANDING.where(findings.c.user > bindparam("after")).order_by(findings.c.user).limit(bindparam("most"))
)  # fmt: skip
_RISKY_ONE = sql(_STANDING.where(findings.c.user == bindparam("user")))
_COUNTING = sql(
    select(findings.c.id)
    .where(findings.c.user == bindparam("user"), or_(*(_counts(rank) for rank in LASTS)))
    .order_by(findings.c.at.desc(), findings.c.id)
    .limit(bindparam("most"))
)
_VERSIONS = sql(
    select(findings.c.id, findings.c.state, findings.c.changed, findings.c.seen)
    .where(findings.c.user == bindparam("user"), or_(*(_counts(rank) for rank in LASTS)))
)  # fmt: skip
_COUNTS_BY = sql(
    select(findings.c.id)
    .where(
        findings.c.user == bindparam("user"),
        or_(*(_counts(rank) for rank in LASTS)),
        func.json_extract(findings.c.evidence, "$.by") == bindparam("actor"),
    )
    .limit(1)
)


async def risk_levels(tx: Tx, user: UserId, story: str, now: Instant) -> Risks:
    """
    The levels of *user* and of their sign-in *story* (empty: it is none of a device). Unknown while an entry waits for
    the rules for longer than `BEHIND`; else "none" until something was found.
    """
    row = await tx.one(_RISKS, user=user, story=story or None, now=now)
    if row is None or (row[0] is not None and between(Instant(row[0]), now) > BEHIND):
        return Risks()
    return Risks(level(row[1]), level(row[2]))


class Standing(NamedTuple):
    """How risky somebody is."""

    user: str
    rank: int
    changed: Instant
    confirmed: bool
    """By an administrator."""


def _standing(row: Row) -> Standing:
    return Standing(str(row[0]), int(row[1]), Instant(row[2]), bool(row[3]))


async def risky(tx: Tx, after: str, most: int, now: Instant) -> list[Standing]:
    """Up to *most* risky people beyond the id *after*."""
    return [_standing(row) for row in await tx.all(_RISKY, after=after, most=most, now=now)]


async def risky_one(tx: Tx, user: str, now: Instant) -> Standing | None:
    """How risky *user* is; None: not at all."""
    row = await tx.one(_RISKY_ONE, user=user, now=now)
    return None if row is None else _standing(row)


async def counting(tx: Tx, user: str, most: int, now: Instant) -> list[str]:
    """Up to *most* findings that make *user* risky, the latest first, by their ids."""
    return [str(row[0]) for row in await tx.all(_COUNTING, user=user, most=most, now=now)]


async def version(tx: Tx, user: str, now: Instant) -> str:
    """What stands for all that makes *user* risky: another when a finding comes, comes again or counts no more."""
    rows = sorted(tuple(row) for row in await tx.all(_VERSIONS, user=user, now=now))
    return digest("\n".join(f"{id} {state} {changed} {seen}" for id, state, changed, seen in rows)).hex()[:32]


async def counts_by(tx: Tx, user: str, actor: str, now: Instant) -> bool:
    """Whether any finding that makes *user* risky is about what *actor* did."""
    return await tx.one(_COUNTS_BY, user=user, actor=actor, now=now) is not None
