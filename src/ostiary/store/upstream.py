"""
People who come in on an upstream provider's word: who they are there, what lets us ask again, and which groups that
word put them into.
"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from ostiary.core.words.ids import GroupId, SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import sessions, upstream_grants, upstream_links, upstream_members, users
from ostiary.store.sql import sql

TABLE = "upstream_grants"
"""Part of the place that a refresh token is sealed for, with the grant's id and `FIELD`."""
FIELD = "sealed"


@dataclass(frozen=True, slots=True)
class Link:
    """Who a person is at their provider."""

    issuer: str
    subject: str
    user: UserId
    created: Instant


@dataclass(frozen=True, slots=True)
class Grant:
    """What one sign-in through a provider left: by it we ask whether the person is still one of its own."""

    id: SessionId
    """The browser session that it began."""
    user: UserId
    provider: str
    issuer: str
    subject: str
    sid: str
    sealed: bytes = field(repr=False)
    confirmed: Instant
    due: Instant


_LINK = (upstream_links.c.issuer, upstream_links.c.subject, upstream_links.c.user, upstream_links.c.created)
_FIND_LINK = sql(
    select(*_LINK).where(
        upstream_links.c.issuer == bindparam("issuer"), upstream_links.c.subject == bindparam("subject")
    )
)
_LINK_OF = sql(select(*_LINK).where(upstream_links.c.user == bindparam("user_")))
_ADD_LINK = sql(insert(upstream_links).values({column.name: bindparam(column.name) for column in _LINK}))
_UNLINK = sql(delete(upstream_links).where(upstream_links.c.user == bindparam("user_")))

_GRANT = tuple(upstream_grants.c)
_GRANTS = select(*_GRANT)
_ADD_GRANT = sql(insert(upstream_grants).values({column.name: bindparam(column.name) for column in _GRANT}))
_BY_ID = sql(_GRANTS.where(upstream_grants.c.id == bindparam("id_")))
_DUE = sql(
    _GRANTS.where(upstream_grants.c.due <= bindparam("now"), upstream_grants.c.sealed != b"")
    .order_by(upstream_grants.c.due)
    .limit(bindparam("most"))
)
_OF_SUBJECT = sql(
    _GRANTS.where(upstream_grants.c.issuer == bindparam("issuer"), upstream_grants.c.subject == bindparam("subject"))
)
_OF_SID = sql(_GRANTS.where(upstream_grants.c.issuer == bindparam("issuer"), upstream_grants.c.sid == bindparam("sid")))
_COUNT = sql(select(func.count()).select_from(upstream_grants).where(upstream_grants.c.user == bindparam("user_")))
_RENEW = sql(
    update(upstream_grants)
    .where(upstream_grants.c.id == bindparam("id_"), upstream_grants.c.sealed == bindparam("old"))
    .values(sealed=bindparam("new"), confirmed=bindparam("confirmed"), due=bindparam("due"))
)
_POSTPONE = sql(
    update(upstream_grants)
    .where(upstream_grants.c.id == bindparam("id_"), upstream_grants.c.sealed == bindparam("old"))
    .values(due=bindparam("due"))
)
_DROP = sql(delete(upstream_grants).where(upstream_grants.c.id == bindparam("id_")))
_DROP_ALL = sql(delete(upstream_grants).where(upstream_grants.c.user == bindparam("user_")))
_OPEN = sql(
    select(sessions.c.id)
    .join(users, users.c.id == sessions.c.user)
    .where(
        sessions.c.created >= users.c.epoch,
        sessions.c.user == bindparam("user_"), sessions.c.ended.is_(None), sessions.c.ends > bindparam("now"),
        sessions.c.idle_ends > bindparam("now"), sessions.c.amr.like(bindparam("fed", "%fed%")),
    )
    .limit(1)
)  # fmt: skip
_VOUCH = sql(
    update(users)
    .where(users.c.id == bindparam("user_"), or_(users.c.vouched.is_(None), users.c.vouched < bindparam("until")))
    .values(vouched=bindparam("until"))
)

_MAPPED = sql(select(upstream_members.c.group).where(upstream_members.c.user == bindparam("user_")))
_MAP = sql(insert(upstream_members).values(user=bindparam("user_"), group=bindparam("group_")))
_UNMAP = sql(
    delete(upstream_members).where(
        upstream_members.c.user == bindparam("user_"), upstream_members.c.group == bindparam("group_")
    )
)


# ---- links


async def find_link(tx: Tx, issuer: str, subject: str) -> Link | None:
    """Whose the identity *subject* of *issuer* is here."""
    return _link(await tx.one(_FIND_LINK, issuer=issuer, subject=subject))


async def link_of(tx: Tx, user: UserId) -> Link | None:
    """Who *user* is elsewhere."""
    return _link(await tx.one(_LINK_OF, user_=user))


async def add_link(tx: Tx, link: Link) -> None:
    """Keep *link*. The caller has made sure that neither side of it has another."""
    await tx.run(_ADD_LINK, issuer=link.issuer, subject=link.subject, user=link.user, created=link.created)


async def unlink(tx: Tx, user: UserId) -> bool:
    """Forget who *user* is elsewhere; False when nobody knew."""
    return await tx.run(_UNLINK, user_=user) == 1


def _link(row: Row | None) -> Link | None:
    return None if row is None else Link(row[0], row[1], UserId(row[2]), Instant(row[3]))


# ---- grants


async def add_grant(tx: Tx, grant: Grant) -> None:
    """Keep *grant*, in the place of an earlier one of the same session."""
    await tx.run(_DROP, id_=grant.id)
    await tx.run(
        _ADD_GRANT, id=grant.id, user=grant.user, provider=grant.provider, issuer=grant.issuer, subject=grant.subject,
        sid=grant.sid, sealed=grant.sealed, confirmed=grant.confirmed, due=grant.due,
    )  # fmt: skip


async def find_grant(tx: Tx, id: SessionId) -> Grant | None:
    """The grant of the session *id*."""
    row = await tx.one(_BY_ID, id_=id)
    return None if row is None else _grant(row)


async def due(tx: Tx, now: Instant, *, most: int) -> list[Grant]:
    """Up to *most* grants that are to be asked about at *now*, the longest waiting first."""
    return [_grant(row) for row in await tx.all(_DUE, now=now, most=most)]


async def grants_of(tx: Tx, issuer: str, *, subject: str = "", sid: str = "") -> list[Grant]:
    """The grants of one session of the provider, or of everything of *subject* there."""
    rows = await (
        tx.all(_OF_SID, issuer=issuer, sid=sid) if sid else tx.all(_OF_SUBJECT, issuer=issuer, subject=subject)
    )
    return [grant for grant in map(_grant, rows) if not subject or grant.subject == subject]


async def grants_left(tx: Tx, user: UserId) -> int:
    """How many grants *user* has."""
    row = await tx.one(_COUNT, user_=user)
    return int(row[0]) if row else 0


async def renew(tx: Tx, grant: Grant, sealed: bytes, *, confirmed: Instant, due: Instant) -> bool:
    """The provider said yes and gave another refresh token; False when *grant* moved meanwhile (compare-and-swap)."""
    return await tx.run(_RENEW, id_=grant.id, old=grant.sealed, new=sealed, confirmed=confirmed, due=due) == 1


async def postpone(tx: Tx, grant: Grant, *, due: Instant) -> bool:
    """The provider could not be asked; False when *grant* moved meanwhile."""
    return await tx.run(_POSTPONE, id_=grant.id, old=grant.sealed, due=due) == 1


async def drop(tx: Tx, id: SessionId) -> bool:
    """Forget one grant; False when it was gone."""
    return await tx.run(_DROP, id_=id) == 1


async def drop_all(tx: Tx, user: UserId) -> int:
    """Forget every grant of *user*; how many there were."""
    return await tx.run(_DROP_ALL, user_=user)


async def needed(tx: Tx, user: UserId, now: Instant) -> bool:
    """Whether *user* has anything open that stands on a provider's word."""
    return await tx.one(_OPEN, user_=user, now=now) is not None


async def vouch(tx: Tx, user: UserId, until: Instant) -> None:
    """The word of *user*'s provider counts until *until*, or longer if it did already."""
    await tx.run(_VOUCH, user_=user, until=until)


def _grant(row: Row) -> Grant:
    id, user, provider, issuer, subject, sid, sealed, confirmed, due = row
    return Grant(
        SessionId(id), UserId(user), provider, issuer, subject, sid, bytes(sealed), Instant(confirmed), Instant(due)
    )  # fmt: skip


# ---- mapped memberships


async def mapped(tx: Tx, user: UserId) -> frozenset[GroupId]:
    """The groups that a provider's word put *user* into."""
    return frozenset(GroupId(group) for (group,) in await tx.all(_MAPPED, user_=user))


async def map_into(tx: Tx, user: UserId, group: GroupId) -> None:
    """Remember that *group* came from a provider's word."""
    await tx.run(_MAP, user_=user, group_=group)


async def unmap(tx: Tx, user: UserId, group: GroupId) -> None:
    """It says so no more."""
    await tx.run(_UNMAP, user_=user, group_=group)
