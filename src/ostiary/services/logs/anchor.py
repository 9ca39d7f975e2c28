"""
Anchors (R15): checkpoints put where whoever holds their key cannot change them: at the end of a file on another mount,
and in an entry that every sink is sent, and every notice channel that is narrowed to anchors (mail, a webhook, a chat).

The file comes first: killed before the entry is written, the next run adds the same checkpoint, or a later one, again.
"""

import asyncio
from pathlib import Path

import structlog

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.kinds import Topic
from ostiary.core.words.instants import Instant, between
from ostiary.core.words.visit import Visit
from ostiary.outside.files import append
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx, checkpoints, logs, notices, sinks
from ostiary.store.checkpoints import Sealed

__all__ = ["FAILED", "anchor"]

READER = "anchors"  # the cursor's row; its position is an instant, not a place in the journal
FAILED = "anchor_failed"
"""What the alert is about that says that the file does not take a checkpoint."""

_log = structlog.get_logger("ostiary.anchors")


async def anchor(house: House, visit: Visit) -> bool:
    """Job: put the newest checkpoint where it is kept, unless one was put there a short while ago; whether it was."""
    path, every = house.settings.anchor_file, house.settings.anchor_every

    async def look(tx: Tx) -> tuple[Instant, Sealed | None, bool]:
        told = bool(await sinks.sinks(tx)) or any(one.wants(Topic.ANCHORS) for one in await notices.channels(tx, None))
        return Instant(await logs.where(tx, READER) or 0), await checkpoints.newest(tx), told

    last, newest, told = await house.store.read(look)
    if newest is None or not (path or told) or (last and between(last, visit.now) < every):
        return False
    failed = False
    if path is not None:
        try:
            await asyncio.to_thread(_put, path, house.settings.data, f"{newest.note}\n".encode())
        except OSError as error:
            _log.error("checkpoint not anchored", error=type(error).__name__)
            failed = True

    async def body(tx: Tx) -> bool:
        seen = await logs.cursor(tx, READER)
        if seen != last or not await logs.move_cursor(tx, READER, seen=seen, position=visit.now):
            return False  # another run was first
        if failed:
            text = "The file of anchors does not take checkpoints, or lies in the data folder, which proves nothing."
            await alert(tx, visit, about=FAILED, text=text, target="log")
        detail = {"size": newest.tree.size, "checkpoint": newest.note, "file": path is not None and not failed}
        await record(tx, visit, Entry(Kind.LOG_ANCHORED, target="log", detail=detail))
        return True

    return await house.store.write(body)


def _put(path: Path, data: Path, note: bytes) -> None:
    """Add *note* to *path*, unless that goes wherever the *data* folder goes. Raises OSError."""
    if path.resolve().is_relative_to(data.resolve()):
        raise OSError("in the data folder")
    append(path, note)
