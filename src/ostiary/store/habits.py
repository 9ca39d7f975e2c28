"""
What is remembered of how a person usually asks for exemptions and signs in: for those who decide their next request.
Each statement follows an index and reads a bounded number of rows.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.request import Act, Phase
from ostiary.core.logs.telling import Outcome
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import Instant, Span
from ostiary.store import Tx
from ostiary.store.exemptions import limits_read
from ostiary.store.schema import exemption_requests, exemptions, stories
from ostiary.store.sql import sql

__all__ = ["EarlierRequest", "EarlierSignIn", "last_use", "requests_before", "sign_ins_before"]

LOOKED_AT = 200  # rows of each: not everything that the person ever did

REQUESTS = sql(
    select(
        exemption_requests.c.created,
        exemption_requests.c.phase,
        exemption_requests.c.decided,
        exemption_requests.c.length,
        exemption_requests.c.limits,
    )
    .where(
        exemption_requests.c.user == bindparam("user"),
        exemption_requests.c.created < bindparam("before"),
        exemption_requests.c.act != Act.ASSIGN.value,
    )
    .order_by(exemption_requests.c.created.desc(), exemption_requests.c.id.desc())
    .limit(LOOKED_AT)
)
SIGN_INS = sql(
    select(stories.c.started, stories.c.client, stories.c.requester, stories.c.approver)
    .where(
        stories.c.user == bindparam("user"),
        stories.c.started < bindparam("before"),
        stories.c.outcome == Outcome.SUCCESS.value,
    )
    .order_by(stories.c.started.desc(), stories.c.id.desc())
    .limit(LOOKED_AT)
)
USE = sql(select(func.max(exemptions.c.starts)).where(exemptions.c.user == bindparam("user"), exemptions.c.used > 0))


class EarlierRequest(NamedTuple):
    """A request that the person made, or that was made for them."""

    created: Instant
    denied: Instant | None
    length: Span
    limits: Limits


class EarlierSignIn(NamedTuple):
    """A sign-in that came to something."""

    started: Instant
    client: AppId | None
    addresses: tuple[str, ...]
    """Of the person and of the machine, as far as there were both."""


async def requests_before(tx: Tx, user: UserId, before: Instant) -> list[EarlierRequest]:
    """Those made before *before*, the newest first; what administrators opened is none."""
    rows = await tx.all(REQUESTS, user=user, before=before)
    return [
        EarlierRequest(
            Instant(created),
            Instant(decided) if phase == Phase.DENIED.value and decided is not None else None,
            Span(length),
            limits_read(limits),
        )
        for created, phase, decided, length, limits in rows
    ]


async def sign_ins_before(tx: Tx, user: UserId, before: Instant) -> list[EarlierSignIn]:
    """Those begun before *before*, of any kind, the newest first."""
    rows = await tx.all(SIGN_INS, user=user, before=before)
    return [
        EarlierSignIn(Instant(started), client and AppId(client), tuple(address for address in addresses if address))
        for started, client, *addresses in rows
    ]


async def last_use(tx: Tx, user: UserId) -> Instant | None:
    """When an exemption of theirs was used last."""
    row = await tx.one(USE, user=user)
    return None if row is None or row[0] is None else Instant(row[0])
