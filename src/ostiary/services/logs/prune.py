"""
Retention (R15): entries older than the journal is kept go, in pieces; their hashes stay, and each piece is announced by
an entry in its own transaction. So a kill leaves a piece gone and announced, or neither.

What goes was sealed and read by every reader; what a person has still to be told, and what belongs to an exemption that
is open or owed a review, stays. Sign-ins of which nothing was written since go with their entries.
"""

from typing import NamedTuple
from uuid import UUID

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.gaps import SIGNATURE, shown, signed_text, spans
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.retention import Needed, as_sealed, cutoff, is_told, may_go, written_before
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.checkpoints import log_key
from ostiary.services.logs.prune_sign_ins import remove_sign_ins
from ostiary.services.logs.record import record
from ostiary.store import Tx, checkpoints, gone
from ostiary.store.gone import Sealed

__all__ = ["announce_gone", "prune"]

BATCH = 250  # entries of one transaction: it shares the loop with sign-ins


class Piece(NamedTuple):
    """What one transaction did."""

    seen: int
    """The position up to which it looked."""
    went: int
    """How many entries went."""
    more: bool
    altered: tuple[bytes, ...]
    """What stands for each entry that is not as it was written."""


async def prune(house: House, visit: Visit) -> int:
    """Job: remove what is older than the journal is kept; how many entries went."""
    kept = house.settings.journal_kept
    if kept is None:
        return 0
    before, after, done, more = cutoff(visit.now, kept), 0, 0, True
    altered, mark = 0, b""
    whole = kept // days(1)
    reason = f"kept for {whole} days"

    async def body(tx: Tx) -> Piece:
        return await _next(house, tx, visit, after=after, before=before, reason=reason, kept=whole)

    while more:
        after, count, more, marks = await house.store.write(body)
        done += count
        altered += len(marks)
        for one in marks:  # one by one: how the pieces fall changes nothing
            mark = digest(mark + one)
    if altered:
        await house.store.write(lambda tx: _tell(tx, visit, altered, mark))
    await remove_sign_ins(house, visit, before=before, reason=reason)
    return done


async def announce_gone(house: House, tx: Tx, visit: Visit, entry: Kind, entries: list[Sealed], **more: object) -> None:
    """Step: *entries*, by places, go; an entry of kind *entry* in their tree says so, signed by the log's key."""
    signing = await log_key(house, tx, visit)
    number = await tx.number()
    detail = {"places": spans(sorted(one.place for one in entries)), "count": len(entries), **more}
    told = {"stream": tx.stream, "number": number, "action": entry.value, "detail": detail}
    signature = shown(signing.note(signed_text(signing.key.name, told)))
    await record(tx, visit, Entry(entry, target="log", detail={**detail, SIGNATURE: signature}), number=number)
    for one in entries:
        await gone.remove(tx, one.position)


async def _next(
    house: House, tx: Tx, visit: Visit, *, after: int, before: Instant, reason: str, kept: int
) -> Piece:  # fmt: skip
    """Step: the next old entries beyond position *after*, and their announcement."""
    upto = await gone.read_up_to(tx)
    entries = await gone.sealed(tx, after=after, upto=upto, most=BATCH)
    due = [one for one in entries if one.at < before]
    written = [one for one in due if as_sealed(one.body, one.leaf) and written_before(one.body, before)]
    kept_on = {one.position for one in written}
    altered = tuple(digest(repr(one)) for one in due if one.position not in kept_on)
    sealed = await checkpoints.before(tx, before)  # an export compares with when entries were sealed, whoever reads it
    old = [one for one in written if sealed is not None and one.place < sealed.tree.size]
    needed = Needed(await gone.live(tx, visit.now), await _signed_in(tx, old)) if old else Needed((), {})
    going = [one for one in old if may_go(one.kind, one.target, one.body, one.position, needed)]
    if going:
        await announce_gone(house, tx, visit, Kind.LOG_PRUNED, going, reason=reason, kept=kept)
    # Positions are in the order of time, but for what two requests wrote across each other: a young piece is the end.
    more = len(entries) == BATCH and bool(due)
    return Piece(entries[-1].position if entries else after, len(going), more, altered)


async def _tell(tx: Tx, visit: Visit, count: int, mark: bytes) -> None:
    """
    Step: an alert of the *count* entries that *mark* stands for, unless one about exactly these stands in the journal:
    they stay for good, and every run finds them. Whatever else was altered meanwhile, or further, makes another mark.
    """
    story = str(UUID(bytes=mark[:16]))
    if await gone.alerted(tx, story):
        return
    text = f"{count} entries of the journal are not as they were written, or younger than their rows say. They stay."
    await alert(tx, visit, about="journal_changed", target="log", text=text, story=story)


async def _signed_in(tx: Tx, old: list[Sealed]) -> dict[str, int]:
    """Step: where those whom *old* entries are told to signed in last."""
    found = {}
    for user in sorted({is_told(one.kind, one.target) for one in old} - {""}):
        position = await gone.signed_in(tx, UserId(user))
        if position is not None:
            found[user] = position
    return found
