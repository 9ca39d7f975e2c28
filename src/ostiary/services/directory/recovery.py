"""
Recovery codes: ten codes on paper, each of which stands once for the authenticator that somebody lost.

A set has a random key of its own, sealed like a seed, and the store keeps HMACs under it: so the codes outlive a change
of the master key, and a copy of the database alone proves nothing. A new set replaces the old one; a reset of the
second step takes it along.
"""

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.recovery import ALPHABET, CODE_LETTERS, CODES, in_groups, normal_code
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.digests import keyed
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.credentials import SEED
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx
from ostiary.store import credentials as kept

KEY_BYTES = 32


async def make_codes(house: House, visit: Visit) -> tuple[str, ...] | Refused:
    """New recovery codes for the caller, shown this once. Refused: NOT_SIGNED_IN and its kin, STEP_UP."""
    user, refused = visit.caller.user, judge(Action.CHANGE_FACTORS, visit.caller, now=visit.now)
    if refused or user is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    id, key = house.random.guid(), house.random.bytes(KEY_BYTES)
    codes = tuple(house.random.letters(ALPHABET, CODE_LETTERS) for _ in range(CODES))
    sealed = house.vault.seal(SEED, "authenticators", id, "sealed", key)
    digests = tuple(keyed(key, code) for code in codes)

    async def body(tx: Tx) -> None:
        await kept.put_recovery_set(tx, id, user, sealed, digests, visit.now)
        detail = {"user_name": visit.caller.name, "count": len(codes)}
        await record(tx, visit, Entry(Kind.RECOVERY_CODES_MADE, target=f"user:{user}", detail=detail))

    await house.store.write(body)
    return tuple(in_groups(code) for code in codes)


def digest_of(house: House, of: kept.Authenticator, typed: str) -> bytes:
    """The digest under which a code of this set is kept. Raises SealBroken when the row was tampered with."""
    key = house.vault.open(SEED, "authenticators", of.id, "sealed", of.sealed)
    return keyed(key, normal_code(typed))
