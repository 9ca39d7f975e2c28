"""
Temporary access passes: an administrator gives somebody a short-lived code with which a passkey can be enrolled.

It stands for the password, and opens the page that enrols a passkey and nothing else (0041). Kept as an HMAC; a new
one voids the earlier ones. The person is told at the next sign-in.
"""

from dataclasses import dataclass

from ostiary.core.directory.people import User
from ostiary.core.directory.recovery import ALPHABET, PASS_LETTERS, in_groups, normal_code, read_lifetime
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.digests import keyed
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.vault import Vault
from ostiary.services.directory.people import allowed, why
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory
from ostiary.store import credentials as kept

ONCE, UNTIL = "pass_once", "pass_until"  # purposes of the invitation
KEY = "access-pass"


@dataclass(frozen=True, slots=True)
class AccessPass:
    """A pass, shown to the administrator this once."""

    user: User
    code: str
    ends: Instant
    once: bool


async def make_pass(
    house: House, visit: Visit, id: str, *, lifetime: Span, once: bool = True, reason: str = ""
) -> AccessPass | Refused:
    """
    Make a pass for the account *id*; earlier ones count no more.

    Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT for a disabled account, INVALID_VALUE for its lifetime.
    """
    letters, length = house.random.letters(ALPHABET, PASS_LETTERS), read_lifetime(lifetime)

    async def body(tx: Tx) -> AccessPass | Refused:
        user = await directory.find(tx, UserId(id))
        action, may = allowed(visit, user)
        refused = may or _flaw(user) or (length if isinstance(length, Refused) else None)
        if refused or user is None:
            return await refuse(tx, visit, action, refused or Refused(Reason.NOT_FOUND), target=f"user:{id[:64]}")
        return await _keep(tx, visit, house.vault, user, letters, lifetime, once=once, reason=reason)

    return await house.store.write(body)


def _flaw(user: User | None) -> Refused | None:
    if user is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.")
    return None if user.enabled else Refused(Reason.CONFLICT, "The account is disabled. Enable it first.")


async def _keep(
    tx: Tx, visit: Visit, vault: Vault, user: User, letters: str, lifetime: Span, *, once: bool, reason: str
) -> AccessPass:
    ends = after(visit.now, lifetime)
    for purpose in (ONCE, UNTIL):
        await kept.void(tx, purpose, user.id, visit.now)
    mark = digests_of(vault, user, letters)[0]
    await kept.invite(
        tx, digest=mark, purpose=ONCE if once else UNTIL, user=user.id, created=visit.now, ends=ends
    )  # fmt: skip
    detail = {"user_name": user.principal_name, "ends": ends, "once": once} | why(reason)
    await record(tx, visit, Entry(Kind.ACCESS_PASS_MADE, target=f"user:{user.id}", detail=detail))
    return AccessPass(user, in_groups(letters), ends, once)


def digests_of(vault: Vault, user: User, typed: str) -> tuple[bytes, ...]:
    """The digests under which such a pass of *user* may be kept, the current master key's first."""
    return tuple(keyed(key, user.id, normal_code(typed)) for key in vault.derived_each(KEY))


async def use_pass(tx: Tx, visit: Visit, digests: tuple[bytes, ...], user: User) -> kept.Invitation | None:
    """Step: the pass of *user* that has one of *digests*, if it counts; one that counts once is spent by it."""
    for each in digests:
        for purpose in (ONCE, UNTIL):
            found = await kept.invitation(tx, each, purpose)
            if found is None or found.user != user.id or found.spent is not None or visit.now >= found.ends:
                continue
            if purpose == UNTIL or await kept.spend(tx, each, visit.now):
                return found
    return None
