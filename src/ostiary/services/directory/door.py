"""
What happened at the admin API's door before any other deed began: refusals of somebody known, uses of the local door.
"""

from ostiary.core.words.caller import CallerKind
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.store import Tx

__all__ = ["note_refusal", "note_use"]


async def note_refusal(house: House, visit: Visit, what: str, refused: Refused, *, target: str = "") -> Refused:
    """Record that *visit*'s caller was refused *what*, and give *refused* back. Nobody known leaves no row (R21)."""

    async def body(tx: Tx) -> Refused:
        return await refuse(tx, visit, what, refused, target=target)

    return await house.store.write(body)


async def note_use(house: House, visit: Visit, what: str) -> None:
    """
    R2: every use of the local door is audited and alerts all administrators, one that only looks too. Other callers
    leave nothing here: their deeds do.
    """
    if visit.caller.kind is not CallerKind.LOCAL:
        return

    async def body(tx: Tx) -> None:
        text = f"{visit.caller.name} of the machine itself used the local door: {what}."
        await alert(tx, visit, about="local_door", text=text, target="door:local")

    await house.store.write(body)
