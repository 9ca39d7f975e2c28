"""
What a door refused before any other deed began: written down when it is known who asked.
"""

from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx


async def note_refusal(house: House, visit: Visit, what: str, refused: Refused, *, target: str = "") -> Refused:
    """Record that *visit*'s caller was refused *what*, and give *refused* back. Nobody known leaves no row (R21)."""

    async def body(tx: Tx) -> Refused:
        return await refuse(tx, visit, what, refused, target=target)

    return await house.store.write(body)
