"""
The one way into the journal.
"""

from dataclasses import replace

from ostiary.core.logs.entry import Entry, tame
from ostiary.core.words.visit import Visit
from ostiary.store import Tx
from ostiary.store.logs import append

CHANGES = "admin:"  # kinds of entries about what somebody changed


async def record(tx: Tx, visit: Visit, entry: Entry, *, number: int | None = None) -> None:
    """
    Step: leave *entry* in this deed's transaction; *number* is its own, where that was taken before. A deed whose entry
    cannot be written fails.
    """
    if visit.reason and entry.kind.value.startswith(CHANGES) and not entry.detail.get("reason"):
        entry = replace(entry, detail={**entry.detail, "reason": tame(visit.reason)})
    await append(tx, visit, entry, number=number)
