"""
The first use of an exemption, as a step of the redemption or refresh that makes it: the clock starts in the same
transaction, and one that was narrowed to a number of sign-ins counts (R5).
"""

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import Stale
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.logs.record import record
from ostiary.store import Tx, exemptions

__all__ = ["begin"]


async def begin(tx: Tx, visit: Visit, exemption: Exemption, *, story: str) -> Exemption:
    """
    Step: one more session stands on *exemption*; it as it is then. Nothing is written for a use that changes nothing.

    Raises Stale when it moved since it was read: the deed runs again on what is true now.
    """
    begun = exemption.begun(visit.now)
    if exemption.used and exemption.waits is None and exemption.limits.sign_ins is None:
        return exemption
    if not await exemptions.use(tx, exemption, begun, now=visit.now):
        raise Stale
    if exemption.waits is not None or exemption.limits.sign_ins is not None:
        await touch(tx, OPENINGS)
    if exemption.waits is not None:
        detail = {"user": exemption.user, "starts": begun.starts, "ends": begun.ends, "signin": story}
        await record(tx, visit, Entry(Kind.EXEMPTION_BEGUN, target=f"exemption:{exemption.id}", detail=detail))
    return begun
