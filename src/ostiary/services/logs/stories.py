"""
The reader that makes stories of the journal: the rows of the sign-in log.

Each run folds the next entries into their stories and moves its cursor, in one transaction: run twice, or by two at
once, the stories are the same. Lists catch up before they answer, so that none is ever stale; the job only keeps that
short.
"""

from collections import defaultdict
from typing import NamedTuple

from ostiary.core.graph.signin import error_number
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.story import Story, belongs, fold
from ostiary.core.logs.telling import heading
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx, logs, stories
from ostiary.store.stories import Columns, Kept

READER = "stories"
BATCH = 100  # entries of one transaction: it shares the loop with sign-ins


async def catch_up(house: House, visit: Visit) -> int:
    """
    Job, and the beginning of every list: fold all entries that were there when it began; how many were read.

    It costs one look when there is nothing to do. Pending stories whose time is over become failures here, so that they
    are found as such; what they show is derived when they are read.
    """

    async def look(tx: Tx) -> stories.Behind:
        return await stories.behind(tx, READER)

    async def body(tx: Tx) -> Folded:
        return await fold_next(tx, visit.now)

    behind = await house.store.read(look)
    late = behind.overdue is not None and behind.overdue <= visit.now
    cursor, read = behind.cursor, 0
    while cursor < behind.head or late:
        cursor, count, late = await house.store.write(body)
        read += count
    return read


class Folded(NamedTuple):
    """What one transaction of the reader did."""

    cursor: int
    read: int
    late: bool
    """Whether more pending stories wait to be closed."""


async def fold_next(tx: Tx, now: Instant) -> Folded:
    """Step: fold the next entries, and close what waited too long."""
    seen = await logs.cursor(tx, READER)
    entries = await logs.since(tx, seen, BATCH)
    told: defaultdict[str, list[Recorded]] = defaultdict(list)
    for entry in entries:
        if belongs(entry.kind):
            told[entry.story].append(entry)
    for id, own in told.items():
        kept = await stories.load(tx, id)
        await _save(tx, kept, fold(kept.story if kept is not None else Story(id), own), now)
    closing = await stories.overdue(tx, now, BATCH)
    for kept in closing:
        await _save(tx, kept, kept.story, now)
    cursor = entries[-1].position if entries else seen
    if cursor != seen:
        await logs.move_cursor(tx, READER, seen=seen, position=cursor)
    return Folded(cursor, len(entries), len(closing) == BATCH)


async def _save(tx: Tx, kept: Kept | None, story: Story, now: Instant) -> None:
    head = heading(story, now)
    columns = Columns(
        outcome=head.outcome.value,
        user=head.user,
        client=head.client,
        exemption=head.exemption,
        requester=head.requester_address or None,
        approver=head.approver_address or None,
        protocol=head.protocol.value,
        error=error_number(head),
        waits=head.waits,
        access=head.access,
        resource=head.resource,
    )
    await stories.save(tx, kept, story, columns)
