"""
The reader that runs the rules over the journal as it grows.

What the rules remember, what they found and the cursor change in one transaction: killed anywhere, run by two at once,
nothing is found twice and nothing left out. It begins at the journal's first entry, so that it knows the past; what
happened longer ago than `OLD` becomes no finding any more (`replay.py` shows it).
"""

from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from ostiary.core.detections.finding import Finding
from ostiary.core.detections.fold import Folded
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.errors import Clash, Stale, StoreBusy
from ostiary.core.words.instants import Instant, between, days
from ostiary.core.words.visit import Visit
from ostiary.services.detections.look import Seen, look, whereabouts
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, detections, logs
from ostiary.store.risk import READER

__all__ = ["READER", "keep", "run_detections", "tidy_tracks"]

BATCH = 100  # entries of one look: it shares the loop with sign-ins
ASIDE = 1000  # entries of one look that does not, and of one transaction: a fortieth of a second for what came of them
FAR = 100  # entries behind: from then on somebody else looks
TRIES = 20  # what is remembered changes seldom but here
OLD = days(30)
TRACKS = 1_000_000  # that are kept at most; those that would go first go earlier
TIDIED = 2_000  # of one transaction
ITSELF = Caller(CallerKind.SYSTEM, READER, READER)

_log = structlog.get_logger("ostiary.detections")


async def run_detections(house: House, visit: Visit, most: int | None = None) -> int:
    """
    Job: run the rules over the entries that were there when it began, in at most *most* looks; how many findings are
    new. Raises StoreBusy where what they look at is never the same for long enough.
    """
    own = replace(visit, caller=ITSELF, address="", agent="")  # whoever asks for the list found nothing
    head = await house.store.read(logs.head)
    found = looks = missed = 0
    while looks != most and (behind := head - await house.store.read(_cursor)) > 0:
        seen = await _look(house, behind)
        if seen is None:
            break
        looks, missed = looks + 1, missed + 1
        with suppress(Stale, Clash):  # somebody else read on, or tidied: look anew
            found += await house.store.write(partial(_write_down, house=house, visit=own, seen=seen))
            missed = 0
        if missed == TRIES:
            raise StoreBusy(f"what the rules look at changed {TRIES} times while they looked")
    return found


async def _cursor(tx: Tx) -> int:
    return await logs.where(tx, READER) or 0


async def _look(house: House, behind: int) -> Seen | None:
    """The next entries; by somebody else, where there is somebody and enough to do."""
    aside = house.detector if behind > FAR else None
    seen = await aside.look(min(behind, ASIDE)) if aside is not None else None
    if seen is None:
        where = whereabouts(house.desk.picture.atlas)
        seen = await house.store.read(partial(look, where=where, most=BATCH))
    return seen


async def _write_down(tx: Tx, house: House, visit: Visit, seen: Seen) -> int:
    """Step: what was *seen*; how many findings are new. Raises Stale, or Clash, where it holds no more."""
    if await logs.cursor(tx, READER) != seen.after:
        raise Stale
    await logs.move_cursor(tx, READER, seen=seen.after, position=seen.cursor)
    await detections.save(tx, seen.changes)
    recent = [one for one in seen.folded.findings if between(one.at, visit.now) <= OLD]
    new = [await keep(tx, visit, finding) for finding in recent]
    await _tell(tx, house, visit, seen.folded)
    return sum(new)


async def keep(tx: Tx, visit: Visit, finding: Finding) -> bool:
    """Step: keep *finding* and write it down; False where it was there already."""
    if not await detections.add(tx, finding, visit.now):
        return False
    detail = {
        "rule": finding.rule, "severity": finding.severity.value, "user": finding.user, "client": finding.client,
        "session": finding.session, "exemption": finding.exemption, "source": finding.source, "at": finding.at,
        "entry": finding.entry, "text": finding.sentence,
    }  # fmt: skip
    target = f"finding:{finding.id}"
    await record(tx, visit, Entry(Kind.FINDING_RAISED, target=target, story=finding.story, detail=detail))
    return True


async def _tell(tx: Tx, house: House, visit: Visit, folded: Folded) -> None:
    """Step: what was not kept, and which rules could not look: an entry for each, with the bound of all faults."""
    for (rule, hour), count in folded.held_back.items():
        await detections.hold_back(tx, rule, hour, count)
    for rule, error, entry in {(fault.rule, fault.error): fault for fault in folded.faults}.values():
        _log.error("a detection could not look at an entry", rule=rule, entry=entry, error=error)
        if house.floods.admit("", "", f"detection:{rule}", visit.now):
            await record(tx, visit, Entry(Kind.FAULT, detail={"reference": entry, "error": f"{rule}: {error}"}))


async def tidy_tracks(house: House, visit: Visit) -> int:
    """Job: forget what counts for nothing any more, and findings that are older than the journal is kept; how many."""
    gone, kept = 0, house.settings.journal_kept
    before = Instant(0) if kept is None else Instant(visit.now - kept)

    async def body(tx: Tx) -> int:
        tracks = await detections.tidy(tx, visit.now, most=TIDIED, keep=TRACKS)
        return tracks + await detections.forget(tx, before, most=TIDIED)

    while count := await house.store.write(body):
        gone += count
    return gone
