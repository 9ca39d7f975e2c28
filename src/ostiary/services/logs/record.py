"""
The one way into the journal.
"""

from ostiary.core.logs.entry import Entry
from ostiary.core.words.visit import Visit
from ostiary.store import Tx
from ostiary.store.logs import append


async def record(tx: Tx, visit: Visit, entry: Entry) -> None:
    """Step: leave *entry* in this deed's transaction. A deed whose entry cannot be written fails."""
    await append(tx, visit, entry, stream=tx.stream)
