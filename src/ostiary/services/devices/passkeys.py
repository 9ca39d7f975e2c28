"""
Passkeys and the machines that they stand for (R22): made in the browser of one, listed with it, parted from it.

Signing in with one is `services/tokens`' work; what a passkey is without a machine is `services/directory/passkeys`'.
"""

from ostiary.core.access.passkey_devices import stands_for
from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import Passkey
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.passkey import ShownPasskey
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Bound
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.devices.proved import device_of
from ostiary.services.directory.passkeys import Answer, New, accept_new, keep_new, made_of
from ostiary.services.directory.passkeys_of_others import MISSING, NOBODY
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, devices, directory, passkeys

__all__ = ["add_own", "own_passkeys", "part_passkey", "passkeys_of"]

NO_MACHINE = Refused(Reason.WRONG_STATE, "That passkey stands for no machine.")


async def add_own(house: House, visit: Visit, answer: Answer, name: str) -> Passkey | Refused:
    """
    Keep a passkey that the caller's browser made; it stands for the machine whose certificate that browser shows, if
    R22 lets it.

    Refused: NOT_SIGNED_IN and its kin, STEP_UP, SPENT, BAD_CREDENTIALS, INVALID_VALUE (field ``name``), CONFLICT.
    """
    id, refused = visit.caller.user, judge(Action.CHANGE_FACTORS, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    new = accept_new(house, visit, id, answer, name)
    if isinstance(new, Refused):
        return new

    async def body(tx: Tx) -> Passkey | Refused:
        user = await directory.find(tx, id)
        if user is None or not user.enabled:
            return await refuse(
                tx, visit, Action.CHANGE_FACTORS, Refused(Reason.NOT_SIGNED_IN), target=f"user:{id}"
            )  # fmt: skip
        outcome = await keep_new(tx, visit, user, new, await _machine(house, tx, visit, user, new))
        if isinstance(outcome, Refused):
            return await refuse(tx, visit, Action.CHANGE_FACTORS, outcome, target=f"user:{id}")
        return outcome

    return await house.store.write(body)


async def _machine(house: House, tx: Tx, visit: Visit, user: User, new: New) -> Device | None:
    """Step: the machine that *new* will stand for; None for any passkey but those of R22."""
    shown = await device_of(tx, Bound(x5t=visit.proof.x5t))
    made = made_of(new, user.id, visit.now, shown)
    return shown if stands_for(made, shown, house.desk.picture.built_in, visit.now) else None


async def own_passkeys(house: House, visit: Visit) -> tuple[ShownPasskey, ...] | Refused:
    """The caller's, oldest first. Refused: NOT_SIGNED_IN and its kin."""
    id, refused = visit.caller.user, judge(Action.READ_SELF, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    return await house.store.read(lambda tx: _shown(house, tx, visit, id))


async def passkeys_of(house: House, visit: Visit, id: UserId) -> tuple[ShownPasskey, ...] | Refused:
    """Those of the account *id*, oldest first. Refused: FORBIDDEN and its kin, NOT_FOUND."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    if refused:
        return refused

    async def body(tx: Tx) -> tuple[ShownPasskey, ...] | Refused:
        return NOBODY if await directory.find(tx, id) is None else await _shown(house, tx, visit, id)

    return await house.store.read(body)


async def _shown(house: House, tx: Tx, visit: Visit, user: UserId) -> tuple[ShownPasskey, ...]:
    built_in, shown = house.desk.picture.built_in, []
    for each in await passkeys.of_user(tx, user):
        machine = await devices.find(tx, each.device) if each.device is not None else None
        name = machine.name if machine is not None else ""
        shown.append(ShownPasskey(each, name, stands_for(each, machine, built_in, visit.now)))
    return tuple(shown)


async def part_passkey(house: House, visit: Visit, id: UserId, passkey: str, reason: str = "") -> None | Refused:
    """
    The *passkey* of the account *id* stands for no machine from now on, whatever was approved with it; it still signs
    in. That trusts it less, so no reason is needed.

    Refused: FORBIDDEN and its kin, NOT_FOUND, WRONG_STATE where it stood for none.
    """

    async def body(tx: Tx) -> None | Refused:
        found = await _parting(tx, visit, id, passkey, reason)
        if isinstance(found, Refused):
            return await refuse(tx, visit, Action.WRITE_USERS, found, target=f"user:{id[:64]}")
        user, parted, why = found
        await passkeys.part(tx, parted.id)
        detail = {
            "user_name": user.principal_name, "passkey": parted.id, "name": parted.name, "device": parted.device,
            "reason": why,
        }  # fmt: skip
        await record(tx, visit, Entry(Kind.PASSKEY_PARTED, target=f"user:{user.id}", detail=detail))
        return None

    return await house.store.write(body)


async def _parting(tx: Tx, visit: Visit, id: UserId, passkey: str, reason: str) -> tuple[User, Passkey, str] | Refused:
    """Step: whose it is, which, and why, if it may be."""
    why = judge(Action.WRITE_USERS, visit.caller, now=visit.now) or (read_reason(reason) if reason else "")
    if isinstance(why, Refused):
        return why
    user, found = await directory.find(tx, id), await passkeys.by_id(tx, passkey)
    if user is None:
        return NOBODY
    if found is None or found.user != user.id:
        return MISSING
    return (user, found, why) if found.device is not None else NO_MACHINE
