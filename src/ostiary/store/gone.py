"""
Entries of the journal that go, and their leaf hashes that stay (R15): which are old, sealed and read, and what still
needs them.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, literal, or_, select, tuple_

from ostiary.core.exemptions.request import Phase
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Tx, logs, signalled, signals
from ostiary.store.exemptions import NOT_ENDED
from ostiary.store.schema import cursors, exemption_requests, exemptions, journal, log_leaves, stories, users
from ostiary.store.schema_exemptions import OWES_REVIEW
from ostiary.store.schema_logs import ABOUT_PEOPLE, AUDITED
from ostiary.store.sinks import READER as SINK
from ostiary.store.sql import sql


class Sealed(NamedTuple):
    """An entry with its place in the tree."""

    position: int
    place: int
    kind: str
    at: Instant
    story: str
    target: str
    body: str
    leaf: bytes
    """Its hash in the tree."""


READERS = ("stories", "detections", "notices")
"""Cursors whose position is a place in the journal, besides the sinks' and that of `SIGNALS`; others hold instants."""
SIGNALS = "signals"

_CURSORS = sql(select(cursors.c.reader, cursors.c.position))
_SEALED = sql(
    select(
        journal.c.position, log_leaves.c.place, journal.c.kind, journal.c.at, journal.c.story, journal.c.target,
        journal.c.body, log_leaves.c.leaf,
    )
    .join(log_leaves, (log_leaves.c.stream == journal.c.stream) & (log_leaves.c.number == journal.c.number))
    .where(journal.c.position > bindparam("after"), journal.c.position <= bindparam("upto"))
    .order_by(journal.c.position)
    .limit(bindparam("most"))
)  # fmt: skip
_UNSEALED = sql(
    select(func.min(journal.c.position))
    .select_from(
        journal.outerjoin(
            log_leaves, (log_leaves.c.stream == journal.c.stream) & (log_leaves.c.number == journal.c.number)
        )
    )
    .where(
        journal.c.position > bindparam("after"), journal.c.position <= bindparam("upto"), log_leaves.c.place.is_(None)
    )
)
_LIVE = sql(
    select(exemptions.c.id).where(NOT_ENDED, exemptions.c.ends > bindparam("now")).union(
        select(exemption_requests.c.id).where(
            or_(
                (exemption_requests.c.phase == Phase.OPEN.value) & (exemption_requests.c.ends > bindparam("now")),
                OWES_REVIEW,
            )
        )
    )
)  # fmt: skip
_SIGNED_IN = sql(
    select(
        select(func.max(journal.c.position))
        .where(ABOUT_PEOPLE, journal.c.target == bindparam("target"), journal.c.kind == Kind.SIGNED_IN.value)
        .scalar_subquery()
    ).where(select(users.c.id).where(users.c.id == bindparam("user"), users.c.enabled == 1).exists())
)
_ALERTED = sql(
    select(journal.c.position)
    .where(AUDITED, journal.c.story == bindparam("story"), journal.c.kind == Kind.ALERT.value)
    .limit(1)
)
_REMOVE = sql(delete(journal).where(journal.c.position == bindparam("position_")))
_OLD_STORIES = sql(
    select(stories.c.started, stories.c.id, stories.c.exemption)
    .where(
        tuple_(stories.c.started, stories.c.id) > tuple_(bindparam("at"), bindparam("id")),
        tuple_(stories.c.started, stories.c.id) < tuple_(bindparam("before"), literal("")),
        stories.c.changed < bindparam("before"),
    )
    .order_by(stories.c.started, stories.c.id)
    .limit(bindparam("most"))
)
_REMOVE_STORY = sql(delete(stories).where(stories.c.id == bindparam("id_")))


async def read_up_to(tx: Tx) -> int:
    """The position up to which every reader of the journal has come; one that never ran has read nothing."""
    rows: dict[str, int] = dict(await tx.all(_CURSORS))
    places = [rows.get(reader, 0) for reader in READERS]
    places += [position for reader, position in rows.items() if reader.startswith(SINK)]
    if await signals.any_stream(tx):
        # Its cursor follows late where nothing is for it: what counts is the first entry that still is.
        ahead = await signalled.hints(tx, rows.get(SIGNALS, 0), 1)
        places.append(ahead[0].position - 1 if ahead else await logs.head(tx))
    return min(places)


async def sealed(tx: Tx, *, after: int, upto: int, most: int) -> list[Sealed]:
    """Sealed entries of positions beyond *after* up to *upto*, the oldest first."""
    rows = await tx.all(_SEALED, after=after, upto=upto, most=most)
    return [Sealed(*row)._replace(leaf=bytes(row[-1])) for row in rows]


async def unsealed(tx: Tx, *, after: int, upto: int) -> int | None:
    """The first position beyond *after* up to *upto* whose entry is not sealed."""
    row = await tx.one(_UNSEALED, after=after, upto=upto)
    return None if row is None or row[0] is None else int(row[0])


async def live(tx: Tx, now: Instant) -> frozenset[str]:
    """Ids of exemptions that are open or owed a review, and of requests that wait."""
    return frozenset(row[0] for row in await tx.all(_LIVE, now=now))


async def signed_in(tx: Tx, user: UserId) -> int | None:
    """The position of the last sign-in of *user*, 0 for never; None where no such account is enabled."""
    row = await tx.one(_SIGNED_IN, user=user, target=f"user:{user}")
    return None if row is None else int(row[0] or 0)


async def alerted(tx: Tx, story: str) -> bool:
    """Whether an alert of *story* stands in the journal."""
    return await tx.one(_ALERTED, story=story) is not None


async def remove(tx: Tx, position: int) -> None:
    """The entry goes. INVARIANT: something was written after it, or its position would be given again."""
    await tx.run(_REMOVE, position_=position)


class OldStory(NamedTuple):
    """A sign-in that began long ago."""

    started: Instant
    id: str
    exemption: str | None


NO_STORY = OldStory(Instant(-1), "", None)


async def old_stories(tx: Tx, *, after: OldStory, before: Instant, most: int) -> list[OldStory]:
    """Sign-ins behind *after* of which nothing was written since *before*, the oldest first."""
    rows = await tx.all(_OLD_STORIES, at=after.started, id=after.id, before=before, most=most)
    return [OldStory(*row) for row in rows]


async def remove_story(tx: Tx, id: str) -> None:
    """The sign-in's row goes."""
    await tx.run(_REMOVE_STORY, id_=id)
