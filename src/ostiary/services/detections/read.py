"""
The reader that runs the rules over the journal as it grows.

What the rules remember, what they found and the cursor change in one transaction: killed anywhere, run by two at once,
nothing is found twice and nothing left out. It begins at the journal's first entry, so that it knows the past; what
happened longer ago than `OLD` becomes no finding any more (`replay.py` shows it).
"""

from dataclasses import replace
from typing import NamedTuple

import structlog

from ostiary.core.access.picture import Picture
from ostiary.core.detections.event import Where, Whereabouts
from ostiary.core.detections.finding import Finding
from ostiary.core.detections.fold import Fault, Folded, fold, needs, watching
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rules import RULES
from ostiary.core.detections.story import stories_of, tell
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import Instant, between, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, detections, logs
from ostiary.store.risk import READER

__all__ = ["READER", "keep", "run_detections", "tidy_tracks", "whereabouts"]

BATCH = 100  # entries of one transaction: it shares the loop with sign-ins
OLD = days(30)
TRACKS = 1_000_000  # that are kept at most; those that would go first go earlier
TIDIED = 2_000  # of one transaction
ITSELF = Caller(CallerKind.SYSTEM, READER, READER)

_WATCHING = watching(RULES)
_log = structlog.get_logger("ostiary.detections")


class _Read(NamedTuple):
    cursor: int
    found: int


async def run_detections(house: House, visit: Visit, most: int | None = None) -> int:
    """
    Job: run the rules over the entries that were there when it began, in at most *most* batches; how many findings are
    new.
    """

    own = replace(visit, caller=ITSELF, address="", agent="")  # whoever asks for the list found nothing

    async def look(tx: Tx) -> tuple[int, int]:
        return await logs.where(tx, READER) or 0, await logs.head(tx)

    async def body(tx: Tx) -> _Read:
        return await _next(tx, house, own)

    cursor, head = await house.store.read(look)
    found = batches = 0
    while cursor < head and batches != most:
        cursor, new = await house.store.write(body)
        found, batches = found + new, batches + 1
    return found


async def _next(tx: Tx, house: House, visit: Visit) -> _Read:
    """Step: the next entries; where the cursor is then, and how many new findings they made."""
    seen = await logs.cursor(tx, READER)
    entries = await logs.since(tx, seen, BATCH)
    if not entries:
        return _Read(seen, 0)
    cursor = entries[-1].position
    if not await logs.move_cursor(tx, READER, seen=seen, position=cursor):
        return _Read(cursor, 0)
    begun = await detections.load_stories(tx, stories_of(entries))
    events, told = tell(entries, begun, whereabouts(house.desk.picture))
    faults: list[Fault] = []
    keys = needs(events, _WATCHING, faults)
    tracks = await detections.load_tracks(tx, {key.text for key in keys})
    past = Past(keys, tracks)
    folded = fold(events, past, _WATCHING)
    await detections.save_stories(tx, told, begun)
    await detections.save_tracks(tx, past.changed(), tracks)
    new = [one for one in folded.findings if between(one.at, visit.now) <= OLD and await keep(tx, visit, one)]
    await _tell(tx, house, visit, folded, faults)
    return _Read(cursor, len(new))


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


async def _tell(tx: Tx, house: House, visit: Visit, folded: Folded, faults: list[Fault]) -> None:
    """Step: what was not kept, and which rules could not look: an entry for each, with the bound of all faults."""
    for (rule, hour), count in folded.held_back.items():
        await detections.hold_back(tx, rule, hour, count)
    for rule, error, entry in {(fault.rule, fault.error): fault for fault in (*faults, *folded.faults)}.values():
        _log.error("a detection could not look at an entry", rule=rule, entry=entry, error=error)
        if house.floods.admit("", "", f"detection:{rule}", visit.now):
            await record(tx, visit, Entry(Kind.FAULT, detail={"reference": entry, "error": f"{rule}: {error}"}))


def whereabouts(picture: Picture) -> Whereabouts:
    """What is known of addresses now."""

    def where(address: str) -> Where:
        place = picture.atlas.place(address)
        return Where(place, picture.atlas.operator(place))

    return where


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
