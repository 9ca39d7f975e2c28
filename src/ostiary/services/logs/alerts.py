"""
Alerts and refusals of administration, as steps: what an administrator should look at, and what somebody known was not
allowed to do.
"""

from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import CallerKind
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.logs.record import record
from ostiary.store import Tx


async def alert(tx: Tx, visit: Visit, *, about: str, text: str, target: str = "", story: str = "") -> None:
    """Step: raise an alert. *about* is a stable word for readers, *text* one sentence for people."""
    await record(tx, visit, Entry(Kind.ALERT, target=target, story=story, detail={"about": about, "text": tame(text)}))


async def refuse(tx: Tx, visit: Visit, what: str, refused: Refused, *, target: str = "") -> Refused:
    """
    Step: write that *visit*'s caller was refused *what*, and give *refused* back. Nobody known leaves no row (R21).
    """
    if visit.caller.kind is not CallerKind.NOBODY:
        detail = {
            "what": what,
            "reason": refused.reason.value,
            "detail": tame(refused.detail),
            "field": tame(refused.field),
        }
        await record(tx, visit, Entry(Kind.ADMIN_REFUSED, target=tame(target), detail=detail))
    return refused
