"""
How an exemption ends before its time and a request is taken back: steps of whichever deed says so, each with its entry.

What waited for a request is moved by whoever ends it (`sign_ins.py`).
"""

from dataclasses import replace

from ostiary.core.exemptions.exemption import EndCause, Exemption
from ostiary.core.exemptions.request import Phase, Request
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions, requests

__all__ = ["end", "end_all_of", "withdraw"]


async def end(tx: Tx, visit: Visit, exemption: Exemption, cause: EndCause, reason: str = "") -> bool:
    """Step: *exemption* ends now. False when it had ended already, by a person or by itself."""
    if not await exemptions.end(tx, exemption.id, now=visit.now, cause=cause, by=visit.caller.actor):
        return False
    await touch(tx, OPENINGS)
    await _write_down(tx, visit, exemption, cause, reason)
    return True


async def end_all_of(tx: Tx, visit: Visit, user: UserId, cause: EndCause, reason: str = "") -> list[ExemptionId]:
    """Step: end every window of *user* that stands, an entry each; their ids."""
    before = {e.id: e for e in await exemptions.standing(tx, user, visit.now)}
    ended = await exemptions.end_all_of(tx, user, now=visit.now, cause=cause, by=visit.caller.actor)
    if ended:
        await touch(tx, OPENINGS)
    for id in ended:
        await _write_down(tx, visit, before[id], cause, reason)
    return ended


async def _write_down(tx: Tx, visit: Visit, exemption: Exemption, cause: EndCause, reason: str) -> None:
    detail = {"user": exemption.user, "cause": cause.value, "reason": reason, "ends": exemption.ends}
    await record(tx, visit, Entry(Kind.EXEMPTION_ENDED, target=f"exemption:{exemption.id}", detail=detail))


async def withdraw(tx: Tx, visit: Visit, request: Request, reason: str = "") -> Request | None:
    """Step: *request*, which waits, is taken back; as it is then. None when it moved meanwhile."""
    new = replace(request, phase=Phase.WITHDRAWN, decided=visit.now, decided_by=visit.caller.actor)
    if not await requests.move(tx, request, new):
        return None
    detail = {"user": request.user, "reason": reason}
    story = request.sign_in or ""
    await record(tx, visit, Entry(Kind.REQUEST_WITHDRAWN, target=f"exemption:{request.id}", story=story, detail=detail))
    return new
