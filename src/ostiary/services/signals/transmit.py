"""
The reader of the journal that tells resource servers which sessions are over.

An entry says whom to look at, the sessions' liveness who is over: what is told is what every door of ours would say.
Sessions are marked and the cursor moved in the transaction that puts the events into the outbox; a run that was cut off
goes on where it was, and tells nobody twice. Large causes (the kill switch) take as many transactions as they need.
"""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Recorded
from ostiary.core.signals.causes import Cause, cause_of
from ostiary.core.signals.events import SESSION_REVOKED, session_revoked, session_subject
from ostiary.core.signals.streams import Status, Stream, may_be_told
from ostiary.core.signals.subjects import removed
from ostiary.core.tokens.session import Session, alive
from ostiary.core.words.caller import Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.signals.outbox import issuer_of, put
from ostiary.store import Tx, exemptions, logs, signalled, signals
from ostiary.store.tokens import Standing

__all__ = ["READER", "begin", "transmit"]

READER = "signals"
ENTRIES = 50  # of the journal in one transaction
SESSIONS = 100  # looked at in one transaction: it shares the loop with sign-ins
IDLE = 200  # entries that concern nobody, after which the cursor follows
_NEVER = Instant(2**62)


class _Audience(NamedTuple):
    """A stream that gets something, with the resources whose sessions concern it."""

    stream: Stream
    resources: frozenset[AppId]
    left_out: list[str]


class _Place(NamedTuple):
    """Where a run is: the entry before the next one, and the session of that one that was looked at last."""

    position: int
    session: str = ""


async def begin(tx: Tx) -> None:
    """Step: the first stream is made: what happened before is nobody's news."""
    seen = await logs.cursor(tx, READER)
    await logs.move_cursor(tx, READER, seen=seen, position=await logs.head(tx))


async def transmit(house: House, visit: Visit) -> int:
    """Job: put events about the sessions that are over into the outbox; how many sessions."""
    if not await house.store.read(signals.any_stream):
        return 0
    count, place = 0, None
    while True:
        told, place = await _run(house, replace(visit, now=house.clock.now()), place)
        count += told
        if place is None:
            return count


async def _run(house: House, visit: Visit, place: _Place | None) -> tuple[int, _Place | None]:
    """One transaction from *place* on, or from the cursor; where to go on, or None when all was read."""
    held: Counter[str] = Counter()  # events on each stream that got some, for which its polls may wait

    async def look(tx: Tx) -> bool:
        seen = await logs.cursor(tx, READER)
        return bool(await signalled.hints(tx, seen, 1)) or await logs.head(tx) - seen > IDLE

    async def body(tx: Tx, picture: Picture) -> tuple[int, _Place | None]:
        held.clear()  # it may run again
        seen = await logs.cursor(tx, READER)
        entries = await signalled.hints(tx, seen, ENTRIES)
        audiences, left, at = await _audiences(tx, picture), SESSIONS, place or _Place(seen)
        for entry in entries:
            looked = await _entry(house, tx, picture, visit, audiences, entry, held, after=at.session, most=left)
            left -= looked.sessions
            if looked.last is not None:  # more of the same entry
                await _move(tx, seen, at.position)
                return SESSIONS - left, _Place(at.position, looked.last)
            at = _Place(entry.position)
        full = len(entries) == ENTRIES
        position = at.position if full else max(at.position, await logs.head(tx))
        await _move(tx, seen, position)
        return SESSIONS - left, _Place(position) if full else None

    if place is None and not await house.store.read(look):
        return 0, None
    done = await settled(house, body)
    for stream in held:
        house.polls.wake(stream)
    return done


async def _move(tx: Tx, seen: int, position: int) -> None:
    if not await logs.move_cursor(tx, READER, seen=seen, position=position):
        raise Stale  # somebody else read the same: nothing of this run stays


async def _audiences(tx: Tx, picture: Picture) -> list[_Audience]:
    """Step: who is to be told anything at all, and about which resources (as at introspection, R19)."""
    found = []
    for stream in await signals.streams(tx):
        application = picture.applications.get(stream.application)
        wanted = stream.status is not Status.DISABLED and SESSION_REVOKED in stream.delivered
        if wanted and application is not None and may_be_told(application):
            left_out = await signals.left_out(tx, stream.id)
            found.append(_Audience(stream, picture.looks_after(application), left_out))
    return found


class _Looked(NamedTuple):
    """How many sessions were looked at, and the last one where there may be more."""

    sessions: int
    last: str | None


async def _entry(
    house: House, tx: Tx, picture: Picture, visit: Visit, audiences: list[_Audience], entry: Recorded,
    held: Counter[str], *, after: str, most: int,
) -> _Looked:  # fmt: skip
    """Step: tell of the sessions that *entry* makes worth a look, from the one *after* on, of at most *most*."""
    cause = cause_of(entry)
    if cause is None or not audiences:
        return _Looked(0, None)
    if most <= 0:
        return _Looked(0, after)
    found = await signalled.untold(tx, cause, after_=after, most=most)
    over = [one for one in found if await _over(tx, picture, one, visit.now)]
    for session, _, _ in over:
        await _tell(house, tx, visit, audiences, entry, cause, session, held)
    await signalled.told(tx, [session.id for session, _, _ in over], visit.now)
    return _Looked(len(found), found[-1][0].id if len(found) == most else None)


async def _over(tx: Tx, picture: Picture, standing: Standing, now: Instant) -> bool:
    """
    Step: whether the session is over otherwise than by its own time, which its tokens have in them.

    One whose exemption ran out goes on with another that is open (R8): it is not over while its person has one.
    """
    session, user, exemption = standing
    client = picture.applications.get(session.client) if session.client is not None else None
    timeless = replace(session, ends=_NEVER, idle_ends=_NEVER)
    if alive(timeless, user=user, client=client, exemption=exemption, now=now):
        return False
    if session.origin is not Origin.DEVICE_CODE or not _ran_out(exemption, now):
        return True
    goes_on = alive(timeless, user=user, client=client, exemption=_prolonged(exemption), now=now)
    others = await exemptions.standing(tx, session.user, now)
    return not (goes_on and any(other.active(now) for other in others))


def _ran_out(exemption: Exemption | None, now: Instant) -> bool:
    return exemption is not None and exemption.ended is None and exemption.ends <= now


def _prolonged(exemption: Exemption | None) -> Exemption | None:
    return None if exemption is None else replace(exemption, ends=_NEVER)


async def _tell(
    house: House, tx: Tx, visit: Visit, audiences: list[_Audience], entry: Recorded, cause: Cause, session: Session,
    held: Counter[str],
) -> None:  # fmt: skip
    """Step: one event for each stream that the session concerns."""
    subject = session_subject(issuer_of(house), session.user, session.id)
    txn = digest(f"{entry.stream}:{entry.number}:{entry.body['salt']}").hex()[:32]
    event = session_revoked(subject, at=cause.at, by=cause.by, why=cause.why, txn=txn)
    for stream, resources, left_out in audiences:
        if resources.isdisjoint({session.resource, *session.reach}) or removed(subject, left_out):
            continue
        if stream.id not in held:
            held[stream.id] = await signals.held(tx, stream.id)
        held[stream.id] += await put(house, tx, visit, stream, event, held=held[stream.id])
