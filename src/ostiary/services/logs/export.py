"""
The journal for those who check it elsewhere (R15): a range of the tree between two checkpoints, with what proves it.

Whoever asks puts the file together: the header first, then the lines, piece by piece.
"""

from functools import partial
from typing import Any

from ostiary.core.logs.checkpoint import Note, read_note
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.export_lines import Header, header_document, line_document
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.merkle import EMPTY, Frontier, widths
from ostiary.core.words.instants import Instant, after, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.checkpoints import log_keys, seal
from ostiary.services.logs.record import record
from ostiary.store import Tx, checkpoints
from ostiary.store.checkpoints import Sealed

__all__ = ["export_header", "export_lines"]

PIECE = 500  # places of one answer
LATE = seconds(10)  # an entry bears the time at which its request began, and may be written that much later
HASHED = 2_000  # leaves read and hashed at once on the way between two trees


async def export_header(
    house: House, visit: Visit, *, start: Instant, end: Instant, kept: int | None = None
) -> dict[str, Any] | Refused:
    """
    The first line of an export of what was written from *start* to *end*, widened to the checkpoints around; *kept* is
    the size of one that its reader has. Writes down that it was asked for. Refused: INVALID_VALUE.
    """
    if end < start:
        return Refused(Reason.INVALID_VALUE, "The end is before the beginning.", field="to")
    await seal(house, visit)

    async def look(tx: Tx) -> tuple[Sealed | None, Sealed | None, Sealed | None]:
        newest = await checkpoints.newest(tx)
        return await checkpoints.before(tx, start), await checkpoints.after(tx, after(end, LATE)) or newest, newest

    first, last, newest = await house.store.read(look)
    if last is None or newest is None:
        return Refused(Reason.NOT_FOUND, "Nothing is sealed yet.")
    begin = first.tree if first is not None else EMPTY
    older = kept is not None and 0 < kept < begin.size
    tree = await _tree_at(house, kept) if older and kept is not None else None
    header = Header(
        origin=newest.note.partition("\n")[0],
        start=begin,
        checkpoint=_note(first),
        end=max(last.tree.size, begin.size),
        newest=_note(newest),
        hand_overs=tuple(read_note(key.hand_over) for key in await log_keys(house) if key.hand_over),
        kept=tree,
        subtrees=await _between(house, tree, begin) if tree is not None else (),
    )

    async def body(tx: Tx) -> None:
        detail = {"first": header.start.size, "until": header.end}
        await record(tx, visit, Entry(Kind.LOG_EXPORTED, target="log", detail=detail))

    await house.store.write(body)
    return header_document(header)


async def export_lines(house: House, *, first: int, until: int) -> dict[str, Any] | Refused:
    """The lines of places *first* to before *until*, at most `PIECE` of them, and where to go on (None: done)."""
    if not 0 <= first <= until:
        return Refused(Reason.INVALID_VALUE, "Places are counted from 0.", field="first")
    end = min(until, first + PIECE)

    async def look(tx: Tx) -> list[dict[str, Any]]:
        notes = dict(await checkpoints.within(tx, first, end))
        found: list[dict[str, Any]] = []
        for leaf in await checkpoints.lines(tx, first, end):
            found.append(line_document(leaf))
            if leaf.index + 1 in notes:
                found.append({"checkpoint": notes[leaf.index + 1]})
        return found

    return {"lines": await house.store.survey(look), "next": end if end < until else None}


def _note(sealed: Sealed | None) -> Note | None:
    return None if sealed is None else read_note(sealed.note)


async def _tree_at(house: House, size: int) -> Frontier:
    """The tree of the first *size* leaves, from the nearest checkpoint on."""
    near = await house.store.read(lambda tx: checkpoints.up_to(tx, size))
    tree = near.tree if near is not None else EMPTY
    return await _grown(house, tree, tree.size, size)


async def _between(house: House, early: Frontier, late: Frontier) -> tuple[bytes, ...]:
    """The subtrees that lead from one tree to the other (a consistency proof)."""
    first, found = early.size, []
    for width in widths(early.size, late.size):
        found.append((await _grown(house, EMPTY, first, first + width)).root)
        first += width
    return tuple(found)


async def _grown(house: House, tree: Frontier, first: int, until: int) -> Frontier:
    """*tree* with the leaves of places *first* to before *until*, in pieces: no sign-in waits for one."""
    while first < until:
        end = min(first + HASHED, until)
        tree = tree.grown(await house.store.survey(partial(checkpoints.hashes, first=first, until=end)))
        first = end
    return tree
