"""
Signing in by what was kept or given for a bad day: a recovery code after the password, a temporary access pass in its
place.

Both are random (50 and 60 bits), so a right one never waits for what others tried. Wrong ones are counted as what they
stand for, and while that counter is closed they are neither counted nor written down (R21).
"""

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.people import User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.browser import AMR, HALF, PASS
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.access_pass import digests_of, use_pass
from ostiary.services.directory.passkeys import ways_of
from ostiary.services.directory.recovery import digest_of
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.tokens import tries
from ostiary.services.tokens.sign_in import ANEW, Half, SignedIn, refuse_try, rise, standing
from ostiary.services.tokens.tries import Tries
from ostiary.services.tokens.upstream_people import comes_from_elsewhere
from ostiary.store import Tx, directory, sessions
from ostiary.store import credentials as kept

WRONG_RECOVERY = Refused(Reason.BAD_CREDENTIALS, "That code is wrong or was used already.", field="recovery")
WRONG_PASS = Refused(
    Reason.BAD_CREDENTIALS, "The user name or the access pass is wrong, or the pass ran out.", field="pass"
)


async def check_recovery_code(house: House, visit: Visit, cookie: str, typed: str, known: str = "") -> (
    SignedIn | Refused
):  # fmt: skip
    """
    The second step, by a recovery code; it counts once, and the next sign-in tells of it.

    Refused: SESSION_ENDED, BAD_CREDENTIALS (field ``recovery``), SIGN_IN_LOCKED.
    """
    fresh, nonce = house.random.token(), house.random.token(128)

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, HALF, visit.now)
        if found is None or found[0].amr == PASS:
            return ANEW
        user = found[1]
        counting = tries.for_factor(house.vault, visit, user, known)
        codes = await kept.recovery_set(tx, user.id)
        if codes is None or not await kept.use_code(tx, codes.id, digest_of(house, codes, typed), visit.now):
            return await _wrong(tx, visit, counting, user, WRONG_RECOVERY)
        await tries.forget(tx, counting)
        mark = tries.mark(house.vault, user, known, nonce)
        signed = await rise(house, tx, visit, found, cookie, fresh, mark, AMR)
        await _tell(tx, visit, user)
        return signed

    return await house.store.write(body)


async def _wrong(tx: Tx, visit: Visit, counting: Tries, user: User | None, said: Refused) -> Refused:
    """Step: a wrong code or pass, which counts unless its counter is closed already."""
    locked = await tries.locked(tx, counting, visit.now)
    return locked or await refuse_try(tx, visit, counting, user, Reason.BAD_CREDENTIALS, said)


async def _tell(tx: Tx, visit: Visit, user: User) -> None:
    """Step: after the entry of this sign-in, so that the next one tells of it."""
    detail = {"user_name": user.principal_name, "left": await kept.codes_left(tx, user.id)}
    await record(tx, visit, Entry(Kind.RECOVERY_CODE_USED, target=f"user:{user.id}", detail=detail))


async def check_pass(house: House, visit: Visit, name: str, typed: str, known: str = "") -> Half | Refused:
    """
    First step by a temporary access pass: what follows can only enrol a passkey.

    Refused: BAD_CREDENTIALS (field ``pass``), SIGN_IN_LOCKED.
    """
    called, cookie, id = normal_name(name[:320]), house.random.token(), SessionId(house.random.guid())

    async def body(tx: Tx) -> Half | Refused:
        user = await directory.find_named(tx, called)
        counting = tries.for_password(house.vault, visit, called, user, known)
        enabled = user is not None and user.enabled and not await comes_from_elsewhere(house, tx, user)
        found = await use_pass(tx, visit, digests_of(house.vault, user, typed), user) if user and enabled else None
        if user is None or found is None:
            return await _wrong(tx, visit, counting, user, WRONG_PASS)
        return await _half(tx, visit, user, id, cookie)

    return await house.store.write(body)


async def _half(tx: Tx, visit: Visit, user: User, id: SessionId, cookie: str) -> Half:
    """Step: a session that waits for a new passkey."""
    await sessions.add_half(
        tx, id, user.id, story=id, cookie=digest(cookie), created=max(visit.now, user.epoch),
        ends=after(visit.now, HALF_LIFE), address=visit.address, amr=PASS,
    )  # fmt: skip
    detail = {"user_name": user.principal_name, "session": id}
    await record(tx, visit, Entry(Kind.ACCESS_PASS_USED, target=f"user:{user.id}", detail=detail))
    return Half(cookie, user, id, await ways_of(tx, user.id), by_pass=True)
