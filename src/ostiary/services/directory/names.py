"""
Whether an application may be called what it is to be called: as a step, beside the names that are there.
"""

from ostiary.core.directory.applications import Application
from ostiary.core.directory.names import deceives, skeleton
from ostiary.core.words.outcome import Reason, Refused
from ostiary.store import Tx, registry

__all__ = ["judge_name"]


async def judge_name(tx: Tx, old: Application | None, new: Application) -> Refused | None:
    """
    Step: why *new* may not have its name; None when it may. A name that stays is not looked at again, unless the
    verified mark moved. Refused: INVALID_VALUE, CONFLICT for the look-alike of another.
    """
    if old is not None and (old.name, old.verified) == (new.name, new.verified):
        return None
    wrong = deceives(new.name, id=new.id, verified=new.verified)
    if wrong is not None or (old is not None and old.name == new.name):
        return wrong
    looks = skeleton(new.name)
    for other in await registry.everything(tx):
        if other.id != new.id and skeleton(other.name) == looks:
            detail = f"It looks like the name of another application ({other.name[:80]})."
            return Refused(Reason.CONFLICT, detail, field="displayName")
    return None
