"""
Passkeys of somebody else: an administrator takes one away (a key that was lost, a machine that went back). The person
is told at the next sign-in. The list, and what they stand for, is `services/devices/passkeys`' work.
"""

from ostiary.core.directory.passkeys import Passkey
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.directory.passkeys import ways_of
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, passkeys

NOBODY = Refused(Reason.NOT_FOUND, "There is no such user.")
MISSING = Refused(Reason.NOT_FOUND, "That person has no such passkey.")
LAST = Refused(
    Reason.CONFLICT,
    "It is the person's only second step: whoever knows the password could enrol their own. Reset the second factor "
    "instead, which ends every session too.",
)


async def remove_passkey_of(house: House, visit: Visit, id: UserId, passkey: str, reason: str) -> Passkey | Refused:
    """
    Take *passkey* away from the account *id*. Sessions that it opened go on: ending them is another deed.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, NOT_FOUND, CONFLICT for the only second step.
    """

    async def body(tx: Tx) -> Passkey | Refused:
        found = await _removable(tx, visit, id, passkey, reason)
        if isinstance(found, Refused):
            return await refuse(tx, visit, Action.WRITE_USERS, found, target=f"user:{id[:64]}")
        user, taken, why = found
        await passkeys.remove(tx, taken.id, user.id)
        detail = {"user_name": user.principal_name, "passkey": taken.id, "name": taken.name, "reason": why}
        await record(tx, visit, Entry(Kind.PASSKEY_TAKEN, target=f"user:{user.id}", detail=detail))
        return taken

    return await house.store.write(body)


async def _removable(
    tx: Tx, visit: Visit, id: UserId, passkey: str, reason: str
) -> tuple[User, Passkey, str] | Refused:
    """Step: whose it is, which, and why it goes, if it may."""
    why = judge(Action.WRITE_USERS, visit.caller, now=visit.now) or read_reason(reason)
    if isinstance(why, Refused):
        return why
    user = await directory.find(tx, id)
    if user is None:
        return NOBODY
    ways = await ways_of(tx, id)
    found = next((each for each in ways.passkeys if each.id == passkey), None)
    if found is None:
        return MISSING
    return (user, found, why) if ways.totp or len(ways.passkeys) > 1 else LAST
