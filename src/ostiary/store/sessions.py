"""
Browser sessions: rows of `sessions` that a cookie opens, by the digest of its value.

A *half* session has passed the password and waits for the second factor: a kind of its own, so that nothing takes it
for a session.
"""

from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.directory.people import User
from ostiary.core.tokens.browser import BROWSER, HALF, BrowserSession
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.directory import USER_COLUMNS, user_from
from ostiary.store.schema import sessions, users
from ostiary.store.sql import sql

_COLUMNS = (
    sessions.c.id,
    sessions.c.kind,
    sessions.c.user,
    sessions.c.story,
    sessions.c.created,
    sessions.c.seen,
    sessions.c.idle_ends,
    sessions.c.ends,
    sessions.c.authenticated,
    sessions.c.amr,
    sessions.c.requester_address,
    sessions.c.ended,
    sessions.c.passkey,
)
_WITH_PERSON = select(*_COLUMNS, *USER_COLUMNS).select_from(sessions.join(users, users.c.id == sessions.c.user))
_BY_COOKIE = sql(_WITH_PERSON.where(sessions.c.cookie == bindparam("cookie")))
_BY_ID = sql(_WITH_PERSON.where(sessions.c.id == bindparam("id_")))
_OF_USER = sql(
    select(*_COLUMNS)
    .where(
        sessions.c.user == bindparam("user_"),
        sessions.c.ends > bindparam("now"),
        sessions.c.idle_ends > bindparam("now"),
        sessions.c.ended.is_(None),
        sessions.c.kind.in_((BROWSER, "device", "code")),
    )
    .order_by(sessions.c.created.desc(), sessions.c.id)
    .limit(bindparam("most"))
)
_ADD = sql(
    insert(sessions).values(
        {
            "id": bindparam("id"),
            "kind": HALF,
            "origin": Origin.BROWSER.value,
            "user": bindparam("person"),
            "story": bindparam("story"),
            "created": bindparam("created"),
            "seen": bindparam("created"),
            "idle_ends": bindparam("ends"),
            "ends": bindparam("ends"),
            "authenticated": bindparam("created"),
            "amr": bindparam("amr"),
            "cookie": bindparam("cookie"),
            "requester_address": bindparam("address"),
        }
    )
)
_RAISE = sql(
    update(sessions)
    .where(
        sessions.c.id == bindparam("id_"),
        sessions.c.kind == bindparam("kind_"),
        sessions.c.cookie == bindparam("cookie_"),
    )
    .where(sessions.c.ended.is_(None))
    .values(
        kind=BROWSER,
        cookie=bindparam("cookie"),
        seen=bindparam("seen"),
        idle_ends=bindparam("idle_ends"),
        ends=bindparam("ends"),
        authenticated=bindparam("authenticated"),
        amr=bindparam("amr"),
        passkey=bindparam("passkey"),
    )
)
_SEEN = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("id_"), sessions.c.seen < bindparam("seen"), sessions.c.ended.is_(None))
    .values(seen=bindparam("seen"), idle_ends=bindparam("idle_ends"))
)
_END = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("id_"), sessions.c.user == bindparam("user_"), sessions.c.ended.is_(None))
    .values(ended=bindparam("ended"), end_cause=bindparam("end_cause"))
)

_SWEEP = sql(delete(sessions).where(sessions.c.ends < bindparam("before")))


def _session(row: Row) -> BrowserSession:
    id, kind, user, story, created, seen, idle_ends, ends, authenticated, amr, address, ended, passkey = row
    return BrowserSession(
        SessionId(id), kind, UserId(user), story, Instant(created), Instant(seen), Instant(idle_ends), Instant(ends),
        Instant(authenticated), tuple(amr.split()), address, None if ended is None else Instant(ended),
        passkey,
    )  # fmt: skip


async def by_cookie(tx: Tx, cookie: bytes) -> tuple[BrowserSession, User] | None:
    """The session whose cookie has the digest *cookie*, with its person, in one statement."""
    return _with_person(await tx.one(_BY_COOKIE, cookie=cookie))


async def by_id(tx: Tx, id: SessionId) -> tuple[BrowserSession, User] | None:
    """The session *id* with its person, in one statement."""
    return _with_person(await tx.one(_BY_ID, id_=id))


def _with_person(row: Row | None) -> tuple[BrowserSession, User] | None:
    return None if row is None else (_session(row[: len(_COLUMNS)]), user_from(row[len(_COLUMNS) :]))


async def of_user(tx: Tx, user: UserId, *, now: Instant, most: int = 50) -> list[BrowserSession]:
    """What of *user* is neither ended nor over at *now*, newest first: browsers, devices, applications."""
    return [_session(row) for row in await tx.all(_OF_USER, user_=user, now=now, most=most)]


async def add_half(
    tx: Tx, id: SessionId, user: UserId, *, story: str, cookie: bytes, created: Instant, ends: Instant, address: str,
    amr: tuple[str, ...] = ("pwd",),
) -> None:  # fmt: skip
    """Add a session that has passed the first step, which *amr* names, and nothing else."""
    await tx.run(
        _ADD, id=id, person=user, story=story, cookie=cookie, created=created, ends=ends, address=address,
        amr=" ".join(amr),
    )  # fmt: skip


async def rise(
    tx: Tx, old: BrowserSession, *, old_cookie: bytes, cookie: bytes, now: Instant, idle_ends: Instant, ends: Instant,
    amr: tuple[str, ...], authenticated: Instant | None = None, passkey: str | None = None,
) -> bool:  # fmt: skip
    """
    Make *old* a whole session, proved at *authenticated*, or *now*, with *passkey* if with one, under a new cookie
    (R16).

    Compare-and-swap on the old cookie: of two who rise at once, one does.
    """
    changed = await tx.run(
        _RAISE, id_=old.id, kind_=old.kind, cookie_=old_cookie, cookie=cookie, seen=now, idle_ends=idle_ends, ends=ends,
        authenticated=now if authenticated is None else authenticated, amr=" ".join(amr),
        passkey=passkey,
    )  # fmt: skip
    return changed == 1


async def seen(tx: Tx, id: SessionId, *, now: Instant, idle_ends: Instant) -> None:
    """Remember that *id* was used *now*."""
    await tx.run(_SEEN, id_=id, seen=now, idle_ends=idle_ends)


async def end(tx: Tx, id: SessionId, user: UserId, *, now: Instant, cause: str) -> bool:
    """End *id* of *user*; False when it is over already or somebody else's."""
    return await tx.run(_END, id_=id, user_=user, ended=now, end_cause=cause) == 1


async def sweep(tx: Tx, before: Instant) -> int:
    """Forget sessions of every kind that were over before *before*; how many there were."""
    return await tx.run(_SWEEP, before=before)
