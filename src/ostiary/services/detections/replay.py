"""
The replay of detections over the stored journal, piece by piece: what would the rules have found?

It reads from the journal's first entry on, so that it knows the past; `from` says from when on findings are told. It
writes nothing, unless the findings are to be kept: then they are those of the live reader, with the same ids, as far as
that has read; they count as answered.
"""

import asyncio
from functools import partial
from typing import Any

from ostiary.core.detections.finding import Finding
from ostiary.core.detections.replay import Open, Replay
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant, to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections.look import whereabouts
from ostiary.services.detections.read import READER
from ostiary.services.detections.read import keep as keep_one
from ostiary.services.house import House
from ostiary.store import Tx, erasures, logs, responses

__all__ = ["begin_replay", "go_on"]

BATCH = 100  # entries that are folded at once: it shares the loop with sign-ins
PIECE = 3_000  # entries of one answer
SHOWN = 500  # findings of one answer
_ERASING = Refused(Reason.CONFLICT, "A person is being erased, or was meanwhile. Begin anew when that is done.")


async def begin_replay(
    house: House, visit: Visit, *, since: Instant, until: Instant, rules: tuple[str, ...] = (), keep: bool = False
) -> dict[str, Any] | Refused:
    """
    Begin a replay of *rules* (all without) over what was written until *until*, telling of what happened from *since*
    on; its id, to go on with. Refused: an unknown rule, too many at once, and to *keep* who may not change policy, or
    anybody while a person is being erased.
    """
    unknown = sorted(set(rules) - BY_ID.keys())
    if unknown:
        return Refused(Reason.INVALID_VALUE, f"There is no rule {unknown[0][:60]}.", field="rules")
    refused = judge(Action.WRITE_POLICIES, visit.caller, now=visit.now) if keep else None
    if refused is not None:
        return refused
    chosen = tuple(rule for rule in RULES if not rules or rule.id in rules)
    head = await house.store.read(_read_live if keep else logs.head)
    if keep and await house.store.read(partial(erasures.since, position=head)):
        return _ERASING
    id = house.random.guid()
    opened = Open(visit.caller.actor, Replay(chosen), since, until, keep, head, visit.now)
    if not house.replays.begin(id, opened):
        return Refused(Reason.CONFLICT, "Other replays are going on. Try again in a few minutes.")
    return _told(id, opened, [], done=False)


async def go_on(house: House, visit: Visit, id: str) -> dict[str, Any] | Refused:
    """
    The next piece of the replay *id*: what it found, and whether there is more. Refused: NOT_FOUND, and to keep what it
    finds who may not change policy by now, or anybody where a person was erased since: then it is over.
    """
    opened = house.replays.find(id, visit.caller.actor)
    if opened is None:
        return Refused(Reason.NOT_FOUND)
    refused = judge(Action.WRITE_POLICIES, visit.caller, now=visit.now) if opened.keep else None
    if refused is not None:
        return refused
    opened.used = visit.now
    where, read, done = whereabouts(house.desk.picture.atlas), 0, False
    found: list[Finding] = []
    while read < PIECE and len(found) < SHOWN and not done:
        entries = await house.store.survey(partial(_next, after=opened.position, head=opened.head))
        wanted = [entry for entry in entries if entry.at <= opened.until]
        found += opened.replay.feed(wanted, where, since=opened.since)
        opened.position = entries[-1].position if entries else opened.head
        read += len(entries)
        done = opened.position >= opened.head
        await asyncio.sleep(0)
    if opened.keep and not await house.store.write(partial(_keep, visit=visit, opened=opened, found=found)):
        house.replays.end(id)
        return _ERASING
    if done:
        house.replays.end(id)
    return _told(id, opened, found, done=done)


async def _read_live(tx: Tx) -> int:
    """How far the live reader is: what it has not read is its own to find, and to be answered."""
    return await logs.where(tx, READER) or 0


async def _next(tx: Tx, after: int, head: int) -> list[Recorded]:
    return [entry for entry in await logs.since(tx, after, BATCH) if entry.position <= head]


async def _keep(tx: Tx, visit: Visit, opened: Open, found: list[Finding]) -> bool:
    """Step: keep what was *found*; not where a person is, or was since it began, erased: it may bring the name back."""
    if await erasures.since(tx, opened.head):
        return False
    for finding in found:
        if await keep_one(tx, visit, finding):
            await responses.answer(tx, finding.id, visit.now)  # what is long past is told, and acts no more
    return True


def _told(id: str, opened: Open, found: list[Finding], *, done: bool) -> dict[str, Any]:
    replay = opened.replay
    return {
        "id": id,
        "done": done,
        "entries": replay.entries,
        "position": opened.position,
        "head": opened.head,
        "counts": dict(sorted(replay.counts.items())),
        "heldBack": replay.held_back,
        "faults": dict(sorted(replay.faults.items())),
        "findings": [
            {
                "id": one.id, "riskEventType": one.rule, "riskLevel": one.severity.value,
                "activityDateTime": to_iso(one.at), "userId": one.user or None, "ipAddress": one.source or None,
                "correlationId": one.story or None, "sentence": one.sentence,
            }
            for one in found
        ],
    }  # fmt: skip
