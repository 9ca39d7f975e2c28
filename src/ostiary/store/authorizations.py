"""
Authorization codes: digest, what they were given for, and the session that their one use made.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.words.ids import AppId, SessionId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import authorizations
from ostiary.store.sql import sql

__all__ = ["Authorization", "add", "find", "forget", "spend"]

_COLUMNS = (
    "code", "story", "client", "user", "redirect_uri", "challenge", "jkt", "nonce", "resource", "scopes", "created",
    "ends", "authenticated", "amr", "approved_from", "session",
)  # fmt: skip
_ADD = sql(insert(authorizations).values({name: bindparam(name) for name in _COLUMNS[:-1]}))
_FIND = sql(select(*(authorizations.c[name] for name in _COLUMNS)).where(authorizations.c.code == bindparam("code")))
_SPEND = sql(
    update(authorizations)
    .where(
        authorizations.c.code == bindparam("code_"),
        authorizations.c.session.is_(None),
        authorizations.c.ends > bindparam("now_"),
    )
    .values(session=bindparam("session"))
)
_FORGET = sql(delete(authorizations).where(authorizations.c.ends <= bindparam("at")))


@dataclass(frozen=True, slots=True)
class Authorization:
    """One authorization code, by its digest."""

    code: bytes
    """SHA-256."""
    story: str
    client: AppId
    user: UserId
    redirect_uri: str
    challenge: str
    """S256 (RFC 7636)."""
    jkt: str | None
    """Thumbprint of the one key that may redeem it (`dpop_jkt`, RFC 9449 §10)."""
    nonce: str | None
    resource: AppId
    scopes: tuple[str, ...]
    """As `core/tokens/scopes.stored` wrote them."""
    created: Instant
    ends: Instant
    authenticated: Instant
    amr: tuple[str, ...]
    approved_from: str = ""
    """As `Session.approved_from`."""
    session: SessionId | None = None
    """What it gave, once it was used."""


async def add(tx: Tx, given: Authorization) -> None:
    """Keep a new code."""
    await tx.run(
        _ADD, code=given.code, story=given.story, client=given.client, user=given.user,
        redirect_uri=given.redirect_uri, challenge=given.challenge, jkt=given.jkt, nonce=given.nonce,
        resource=given.resource, scopes=" ".join(given.scopes), created=given.created, ends=given.ends,
        authenticated=given.authenticated, amr=" ".join(given.amr), approved_from=given.approved_from,
    )  # fmt: skip


async def find(tx: Tx, code: bytes) -> Authorization | None:
    """The code with the digest *code*, used or not."""
    row = await tx.one(_FIND, code=code)
    if row is None:
        return None
    values = dict(zip(_COLUMNS, row, strict=True))
    values["scopes"], values["amr"] = tuple(values["scopes"].split()), tuple(values["amr"].split())
    return Authorization(**values)


async def spend(tx: Tx, code: bytes, session: SessionId, *, now: Instant) -> bool:
    """Use the code for *session*, once and before it ends; False for everybody who comes second (compare-and-swap)."""
    return await tx.run(_SPEND, code_=code, session=session, now_=now) == 1


async def forget(tx: Tx, *, at: Instant) -> int:
    """Delete codes that ended before *at*; how many."""
    return await tx.run(_FORGET, at=at)
