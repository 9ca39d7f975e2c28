"""
A machine asks to be admitted to the inventory: it proves a key that it made itself, and waits.

Whose it is, an administrator says, or a start ticket that its person took in a browser for exactly this; what the
machine says of itself is kept as its name and system and decides nothing. Requests that wait are bounded (R21).
"""

from dataclasses import dataclass, field, replace

from ostiary.core.access.picture import Picture
from ostiary.core.devices.changes import admitted
from ostiary.core.devices.device import PENDING_FOR, Device, State, room_for_pending
from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.declared import LONGEST_MACHINE, plain
from ostiary.core.signins.ticket import ENROLMENT
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.devices.inventory import write_admission
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import refuse
from ostiary.services.signins.tickets import spend_ticket, ticket_digests
from ostiary.store import Tx, device_settings, devices
from ostiary.store.access import known_of

__all__ = ["RULE", "Wish", "enrol"]

RULE = "rule"
"""`admitted_by` of what the organisation's rule admitted."""
LONGEST_SYSTEM = 64  # characters
BUSY = Refused(Reason.BUSY_SOURCE, "Too many machines wait for admission already.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What came with the request; the key is the visit's proof."""

    machine: str = ""
    system: str = ""
    version: str = ""
    ticket: str = field(default="", repr=False)


async def enrol(house: House, visit: Visit, wish: Wish) -> Device | Refused:
    """
    Ask for admission; who asks again with the same key is told how it stands, and nothing changes.

    Reasons: DPOP_REQUIRED, INVALID_REQUEST, BAD_TICKET, BUSY_SOURCE, ACCOUNT_DISABLED, DEVICE_ENDED (revoked: the
    machine makes another key).
    """
    name = plain(wish.machine, LONGEST_MACHINE)
    if visit.proof.jkt is None:
        return await _refused(house, visit, Refused(Reason.DPOP_REQUIRED))
    if not name:
        wrong = Refused(Reason.INVALID_REQUEST, "The machine has no name.", field="ostiary_machine")
        return await _refused(house, visit, wrong)
    tickets = ticket_digests(house, wish.ticket) if wish.ticket else ()
    said = {"operatingSystem": wish.system, "operatingSystemVersion": wish.version}
    properties = {key: text for key, value in said.items() if (text := plain(value, LONGEST_SYSTEM))}
    asking = Device(
        DeviceId(visit.id), name, jkt=visit.proof.jkt, properties=properties, registered=visit.now,
        asked_from=visit.address,
    )  # fmt: skip

    async def body(tx: Tx, _: Picture) -> Device | Refused:
        known = await devices.by_key(tx, asking.jkt or "")
        if known is not None and known.admitted is None and known.standing(visit.now) is State.LAPSED:
            await devices.remove(tx, known.id)
            known = None
        if known is not None:
            return known if known.revoked is None else Refused(Reason.DEVICE_ENDED)
        owner = await spend_ticket(tx, visit, ENROLMENT, tickets) if tickets else None
        if isinstance(owner, Refused):
            return owner
        return await _ask(tx, visit, replace(asking, owner=owner))

    answer = await settled(house, body)
    return await _refused(house, visit, answer) if isinstance(answer, Refused) else answer


async def _refused(house: House, visit: Visit, refused: Refused) -> Refused:
    return await refuse(house, visit, Kind.DEVICE_REFUSED, refused, client="")


async def _ask(tx: Tx, visit: Visit, new: Device) -> Device | Refused:
    """Step: the request, if there is room for it; admitted at once where the rule says so."""
    waiting = await devices.pending(tx, after(visit.now, Span(-PENDING_FOR)))
    here = source_of(visit.address)
    room = room_for_pending(
        person=sum(owner == new.owner for owner, _ in waiting) if new.owner is not None else 0,
        source=sum(source_of(place) == here for _, place in waiting),
        whole=len(waiting),
        proved=new.owner is not None,
    )
    if not room:
        return BUSY
    await devices.add(tx, new)
    detail = {"name": new.name, "key": new.jkt or "", "owner": new.owner or "", **new.properties}
    await record(tx, visit, Entry(Kind.DEVICE_ASKED, target=f"device:{new.id}", detail=detail))
    return new if new.owner is None else await _by_rule(tx, visit, new, new.owner)


async def _by_rule(tx: Tx, visit: Visit, asked: Device, owner: UserId) -> Device | Refused:
    """Step: *asked*, admitted when the organisation's rule admits it."""
    known, rule = await known_of(tx, owner, visit.now), await device_settings.rule(tx)
    if known is None or not known[0].enabled:
        return Refused(Reason.ACCOUNT_DISABLED)
    held = await devices.admitted_of(tx, owner, visit.now)
    if not rule.admits(groups=known[1], address=visit.address, held=held):
        return asked
    new = admitted(asked, now=visit.now, by=RULE, owner=owner, expires=after(visit.now, rule.lifetime))
    if isinstance(new, Refused):
        return new
    written = await write_admission(tx, visit, asked, new, "")
    return written if isinstance(written, Refused) else new
