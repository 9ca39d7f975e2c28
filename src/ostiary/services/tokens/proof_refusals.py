"""
Refusals that have to do with keys, on their way out: written, with a bound, and what looks like theft raises an alert.
"""

from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import refuse
from ostiary.store import Tx
from ostiary.store.logs import happened

__all__ = ["about_bound", "note_broken", "note_wrong_key"]


def about_bound(refused: Refused) -> bool:
    """Whether *refused* is about the key of something that is bound, and so is `note_wrong_key`'s to write down."""
    return bool(refused.reference) and refused.reason in (Reason.WRONG_KEY, Reason.CERTIFICATE_UNFIT)


async def note_wrong_key(house: House, visit: Visit, refused: Refused, *, client: str) -> Refused:
    """
    Something bound was asked for with another key, or without one (R12): an entry in its story, one alert a story.

    The refusal's `reference` is the story. What is bound lives on: who holds only a copy must not be able to end it.
    A certificate that ran out (CERTIFICATE_UNFIT) is no alarm.
    """
    if not house.floods.admit_of(refused.reference, refused.reason.value, visit.now):
        return refused
    detail = {"reason": refused.reason.value, "client": tame(client), "key": visit.proof.jkt or ""}
    detail["certificate"] = visit.proof.x5t or ""

    async def body(tx: Tx) -> None:
        known = await happened(tx, refused.reference, Kind.WRONG_KEY)
        entry = Entry(Kind.WRONG_KEY, target=f"application:{tame(client)}", story=refused.reference, detail=detail)
        await record(tx, visit, entry)
        if not known and refused.reason is Reason.WRONG_KEY:
            text = "A code or token that is bound to a key came with another key or without; nothing was given."
            await alert(tx, visit, about="wrong key", text=text, story=refused.reference)

    await house.store.write(body)
    return refused


async def note_broken(house: House, visit: Visit, *, client: str) -> Refused | None:
    """
    Why the proof that came with this request does not count, written down; None when nothing is wrong.

    A missing or old nonce is no refusal but a request for the next try, and leaves nothing.
    """
    refused = visit.proof.refused
    if refused is None or refused.reason is Reason.DPOP_NONCE:
        return refused
    return await refuse(house, visit, Kind.PROOF_REFUSED, refused, client=client, detail={"check": refused.field})
