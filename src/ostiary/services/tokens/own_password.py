"""
A signed-in person changes their own password: with the old one, and a second factor not older than five minutes.

Wrong old passwords are counted as at the sign-in, so a session that somebody else holds is no place to guess. A change
ends everything that began before it, this session and devices included, and every link or access pass that
could set another way in; exemptions stay, because they say what a person may do and not who they are. What the new
password must be is said first, and its hash made, so that neither sentence nor time tells of an old one that does not
count.
"""

from dataclasses import replace

from ostiary.core.directory.credentials import flaw, normal_name, normal_password
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.passwords import Busy
from ostiary.services.directory.access_pass import ONCE, UNTIL
from ostiary.services.directory.credentials import LINK, busy, hashed
from ostiary.services.directory.people import ended_before, swap
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.tokens import tries
from ostiary.services.tokens.tries import Tries
from ostiary.store import Tx, directory
from ostiary.store import credentials as kept

WRONG = Refused(Reason.BAD_CREDENTIALS, "That is not your password of now.", field="old")
SAME = Refused(Reason.INVALID_VALUE, "The new password is the old one. Use another.", field="password")


async def change_own(house: House, visit: Visit, old: str, new: str, known: str = "") -> User | Refused:
    """
    Set *new* for the caller, whose password of now is *old*. *known* is the value of the browser's long-lived cookie.

    Refused: NOT_SIGNED_IN and its kin, STEP_UP, SIGN_IN_LOCKED, BAD_CREDENTIALS (field ``old``), INVALID_VALUE (field
    ``password``), UNAVAILABLE.
    """
    id, refused = visit.caller.user, judge(Action.CHANGE_PASSWORD, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)

    async def look(tx: Tx) -> tuple[User, Tries, str | None] | Refused:
        user = await directory.find(tx, id)
        if user is None:
            return Refused(Reason.NOT_SIGNED_IN)
        counting = tries.for_password(house.vault, visit, normal_name(user.principal_name), user, known)
        return await tries.locked(tx, counting, visit.now) or (user, counting, await kept.password(tx, id))

    typed, wanted = normal_password(old), normal_password(new)
    seen = await house.store.read(look)
    if isinstance(seen, Refused):
        return seen
    user, counting, encoded = seen
    fresh = await _fresh(house, user, typed, wanted)
    if isinstance(fresh, Refused):
        return fresh
    right = await _right(house, encoded, typed)
    if isinstance(right, Refused):
        return right

    async def body(tx: Tx) -> User | Refused:
        locked = await tries.locked(tx, counting, visit.now)
        if locked:
            return locked  # another try that came meanwhile was wrong: what this one was is not told
        if not right or encoded is None:
            return await _wrong(tx, visit, user, counting)
        return await _change(tx, visit, user, encoded, fresh)

    return await house.store.write(body)


async def _fresh(house: House, user: User, old: str, new: str) -> str | Refused:
    """The hash of *new*, if it may be a password at all."""
    wrong = flaw(new, names=(user.principal_name, user.display_name))
    if wrong:
        return Refused(Reason.INVALID_VALUE, wrong, field="password")
    return SAME if new == old else await hashed(house, new)


async def _right(house: House, encoded: str | None, password: str) -> bool | Refused:
    try:
        if encoded is None:
            await house.outside.passwords.waste(password)
            return False
        return await house.outside.passwords.verify(encoded, password)
    except Busy:
        return busy()


async def _wrong(tx: Tx, visit: Visit, user: User, counting: Tries) -> Refused:
    """Step: count a wrong old password and write it down."""
    locked = await tries.count(tx, visit, counting)
    detail = {"user_name": user.principal_name, "locked": locked}
    await record(tx, visit, Entry(Kind.PASSWORD_CHANGE_REFUSED, target=f"user:{user.id}", detail=detail))
    return WRONG


async def _change(tx: Tx, visit: Visit, user: User, encoded: str, fresh: str) -> User | Refused:
    """Step: the old password was right; *fresh* takes its place."""
    person = await _still(tx, visit, user.id, encoded)
    if person is None:
        return WRONG  # changed, disabled or ended while it was being hashed
    await swap(tx, person, replace(person, epoch=ended_before(visit.now)))
    await kept.set_password(tx, person.id, fresh, visit.now)
    for purpose in (LINK, ONCE, UNTIL):
        await kept.void(tx, purpose, person.id, visit.now)
    detail = {"user_name": person.principal_name}
    await record(tx, visit, Entry(Kind.PASSWORD_CHANGED, target=f"user:{person.id}", detail=detail))
    return person


async def _still(tx: Tx, visit: Visit, id: UserId, encoded: str) -> User | None:
    """Step: the person, if nothing of what was looked at has changed meanwhile."""
    person = await directory.find(tx, id)
    unchanged = person is not None and person.enabled and await kept.password(tx, id) == encoded
    return person if unchanged else None
