"""
Turning the kill switch: on at one administrator's word, off at those of two, or at the local door's with a reason (R2).

Every turn is audited and alerts all administrators. The picture's version is raised in the same transaction, so no
deed that began before decides after it.
"""

from ostiary.core.access.kill_switch import CONFIRM, KillSwitch, turned_off, turned_on
from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.kill_switch import ShownSwitch
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import CallerKind
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory
from ostiary.store import kill_switch as rows

__all__ = ["look", "stop_all", "turn_off", "turn_on"]

TARGET = "switch:device"
_READERS = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


async def look(house: House, visit: Visit) -> ShownSwitch | Refused:
    """How it stands; by whom and why only for administrators, auditors and the local door."""
    refused = judge(Action.READ_KILL_SWITCH, visit.caller, now=visit.now)

    async def body(tx: Tx) -> ShownSwitch | Refused:
        return refused or _shown(visit, await rows.find(tx))

    return await house.store.read(body)


def _shown(visit: Visit, switch: KillSwitch) -> ShownSwitch:
    whole = visit.caller.kind is CallerKind.LOCAL or bool(visit.caller.roles & _READERS)
    return ShownSwitch(switch, visit.now, whole)


async def turn_on(house: House, visit: Visit, reason: str) -> ShownSwitch | Refused:
    """
    Stop every device sign-in: none begins, what is pending ends, what was given before is over (R8).

    Again while it is on: a proposal to turn it off is withdrawn. Refused: FORBIDDEN and its kin, REASON_REQUIRED.
    """
    why = _may(visit, reason)

    async def body(tx: Tx) -> KillSwitch | Refused:
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.TURN_KILL_SWITCH, why, target=TARGET)
        old = await rows.find(tx)
        # The clock as it is here, not at the door: no session that was committed before may be younger than this.
        new = turned_on(old, visit.caller, why, max(visit.now, house.clock.now()))
        detail = {"reason": why, "again": old.on}
        text = f"{visit.caller.name} stopped all device sign-ins: {why}"
        return await _turn(tx, visit, old, new, Kind.KILL_SWITCH_ON, detail, text)

    shown = await _after(house, visit, await house.store.write(body))
    house.room.wake_all()
    return shown


async def stop_all(tx: Tx, visit: Visit, reason: str, now: Instant) -> bool:
    """
    Step: on, by what *visit* says it is, at the clock's *now*; False where it was on already. Whoever commits it has
    memory look anew. Raises Stale when somebody else turned it meanwhile.
    """
    old = await rows.find(tx)
    if old.on:
        return False
    new = turned_on(old, visit.caller, reason, max(visit.now, now))
    detail: dict[str, object] = {"reason": reason, "again": False}
    text = f"All device sign-ins were stopped: {reason}"
    if isinstance(await _turn(tx, visit, old, new, Kind.KILL_SWITCH_ON, detail, text), Refused):
        raise Stale
    return True


async def turn_off(house: House, visit: Visit, reason: str) -> ShownSwitch | Refused:
    """
    Allow device sign-ins again: the first administrator's word proposes, another one's within half an hour does it.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, WRONG_STATE when it is off or by the proposer alone.
    """
    why = _may(visit, reason)

    async def body(tx: Tx) -> KillSwitch | Refused:
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.TURN_KILL_SWITCH, why, target=TARGET)
        old = await rows.find(tx)
        counts = await _administers(tx, old)
        new = turned_off(old, visit.caller, why, visit.now, proposer_counts=counts)
        if isinstance(new, Refused):
            return await refuse(tx, visit, Action.TURN_KILL_SWITCH, new, target=TARGET)
        if new.on:
            text = f"{visit.caller.name} wants device sign-ins back ({why}); another administrator must confirm it."
            detail: dict[str, object] = {"reason": why, "ends": after(visit.now, CONFIRM)}
            return await _turn(tx, visit, old, new, Kind.KILL_SWITCH_OFF_PROPOSED, detail, text)
        by = old.proposal.by if old.proposal is not None and visit.caller.kind is CallerKind.USER else ""
        detail = {"reason": why, "since": old.killed, "proposed_by": by}
        text = f"{visit.caller.name} allowed device sign-ins again: {why}"
        return await _turn(tx, visit, old, new, Kind.KILL_SWITCH_OFF, detail, text)

    return await _after(house, visit, await house.store.write(body))


def _may(visit: Visit, reason: str) -> str | Refused:
    """The reason to write down, or why the caller may not."""
    return judge(Action.TURN_KILL_SWITCH, visit.caller, now=visit.now) or read_reason(reason)


async def _administers(tx: Tx, switch: KillSwitch) -> bool:
    """Step: whether who proposed is an enabled administrator now: the word of one who left counts no more."""
    if switch.proposal is None:
        return False
    user = await directory.find(tx, UserId(switch.proposal.by.removeprefix("user:")))
    return user is not None and user.enabled and Role.ADMINISTRATOR in user.roles


async def _turn(
    tx: Tx, visit: Visit, old: KillSwitch, new: KillSwitch, kind: Kind, detail: dict[str, object], text: str
) -> KillSwitch | Refused:
    """Step: swap, tell memory, write down, alert."""
    if not await rows.swap(tx, old, new):
        return Refused(Reason.CONFLICT)
    await touch(tx, PICTURE, OPENINGS)  # exemptions that were open until now are not any more
    await record(tx, visit, Entry(kind, target=TARGET, detail=detail))
    await alert(tx, visit, about=kind.value.replace("admin:", "").replace(":", " "), text=text, target=TARGET)
    return new


async def _after(house: House, visit: Visit, outcome: KillSwitch | Refused) -> ShownSwitch | Refused:
    """After the commit this node looks anew; who waits hears it at the next poll."""
    if isinstance(outcome, Refused):
        return outcome
    await house.desk.reload()
    return _shown(visit, outcome)
