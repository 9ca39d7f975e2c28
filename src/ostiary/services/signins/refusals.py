"""
Refusals of anonymous requests: written, but never without a bound (R21).
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx


async def refuse(
    house: House, visit: Visit, kind: Kind, refused: Refused, *, client: str, detail: Mapping[str, Any] | None = None
) -> Refused:
    """A refusal on its way out: a row for the first twenty of its like in a minute, counted after that."""
    if not house.floods.admit(client, visit.address, refused.reason.value, visit.now):
        return refused
    more = {"reason": refused.reason.value, "client": tame(client), "rules": list(refused.rules), **(detail or {})}

    async def body(tx: Tx) -> None:
        await record(tx, visit, Entry(kind, target=f"application:{tame(client)}", detail=more))

    await house.store.write(body)
    return refused
