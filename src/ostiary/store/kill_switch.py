"""
The one row of the kill switch. None yet: nobody ever turned it.
"""

import orjson
from sqlalchemy import bindparam, insert, select, update

from ostiary.core.access.kill_switch import KillSwitch, Proposal
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import kill_switch
from ostiary.store.sql import sql

__all__ = ["find", "swap"]

NAME = "device"

_FIND = sql(
    select(kill_switch.c.number, kill_switch.c.engaged, kill_switch.c.killed, kill_switch.c.words).where(
        kill_switch.c.name == bindparam("name", NAME)
    )
)
_FIRST = sql(insert(kill_switch).values({c.name: bindparam(c.name) for c in kill_switch.c}))
_NEXT = sql(
    update(kill_switch)
    .where(kill_switch.c.name == bindparam("name_"), kill_switch.c.number == bindparam("old"))
    .values({c.name: bindparam(c.name) for c in kill_switch.c if c.name != "name"})
)


async def find(tx: Tx) -> KillSwitch:
    """How it stands."""
    row = await tx.one(_FIND)
    if row is None:
        return KillSwitch()
    number, engaged, killed, words = row
    said = orjson.loads(words)
    proposal = said.pop("proposal")
    return KillSwitch(
        number, bool(engaged), Instant(killed), proposal=Proposal(**proposal) if proposal else None, **said
    )


async def swap(tx: Tx, old: KillSwitch, new: KillSwitch) -> bool:
    """Write *new* over *old*; False when somebody else turned it meanwhile."""
    values = {
        "number": new.number,
        "engaged": int(new.on),
        "killed": new.killed,
        "words": orjson.dumps(
            {"by": new.by, "name": new.name, "reason": new.reason, "proposal": new.proposal}
        ).decode(),
    }
    if old.number == 0:
        return await tx.run(_FIRST, name=NAME, **values) == 1
    return await tx.run(_NEXT, name_=NAME, old=old.number, **values) == 1
