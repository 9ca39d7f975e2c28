"""
Passwords and authenticators of people: links to set one, resets, enrolment of a one-time-code app.

A link holds 256 random bits and the store their digest; it is used once, within 24 hours. Whoever's credentials an
administrator touched is told at the next sign-in (`services/tokens/sign_in`), from the entries written here.
"""

from dataclasses import dataclass, replace

from ostiary.core.directory.credentials import INVITATION, flaw, normal_password
from ostiary.core.directory.people import User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, after, days, minutes, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.outside import totp
from ostiary.outside.passwords import Busy
from ostiary.outside.vault import SealBroken
from ostiary.services.directory.people import allowed, ended_before, swap, why
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, passkeys
from ostiary.store import credentials as kept

LINK = "password"  # purpose of the invitation
SEED = "totp"  # purpose of the seal
OFFER = minutes(30)
LONGEST_LINK = 64  # characters of a pasted token

SPENT = Refused(
    Reason.SPENT, "This link was used already, ran out, or never existed. Ask an administrator for another."
)


@dataclass(frozen=True, slots=True)
class Link:
    """A set-password link for one person. *address* carries the token behind ``#``, which browsers never send."""

    user: User
    address: str
    token: str
    ends: Instant


@dataclass(frozen=True, slots=True)
class Offer:
    """A new authenticator, shown once and not yet anybody's: its seed, its address for a QR code, and it sealed."""

    seed: str
    uri: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An authenticator whose first code was right, ready to be kept."""

    id: str
    sealed: bytes
    step: int


async def invite(
    house: House, visit: Visit, id: str, *, reset: bool = False, factors: bool = False, reason: str = ""
) -> Link | Refused:
    """
    Make a link with which somebody sets a password; earlier links count no more.

    *reset* makes the old password useless and ends every session now; *factors* does the same to the authenticators.
    Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT for a disabled account.
    """
    token = house.random.token(256)

    async def body(tx: Tx) -> Link | Refused:
        user = await directory.find(tx, UserId(id))
        action, may = allowed(visit, user)
        refused = may or _invitable(user)
        if refused or user is None:
            return await refuse(tx, visit, action, refused or SPENT, target=f"user:{id[:64]}")
        if reset or factors:
            user = await _take_away(tx, visit, user, password=reset, factors=factors, reason=reason)
        return await _link(tx, visit, house.settings.origin, user, token, reset=reset, reason=reason)

    return await house.store.write(body)


def _invitable(user: User | None) -> Refused | None:
    if user is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.")
    return None if user.enabled else Refused(Reason.CONFLICT, "The account is disabled. Enable it first.")


async def tend_invitations(house: House, visit: Visit) -> int:
    """Job: forget links and one-time codes that ran out a day ago; how many there were."""

    async def body(tx: Tx) -> int:
        return await kept.forget_invitations(tx, before=after(visit.now, days(-1)))

    return await house.store.write(body)


async def _take_away(tx: Tx, visit: Visit, user: User, *, password: bool, factors: bool, reason: str) -> User:
    """Step: make credentials useless and end what they gave."""
    if password:
        await kept.drop_password(tx, user.id)
    if factors:
        count = await kept.drop_authenticators(tx, user.id) + await passkeys.drop(tx, user.id)
        detail = {"user_name": user.principal_name, "count": count} | why(reason)
        await record(tx, visit, Entry(Kind.MFA_RESET, target=f"user:{user.id}", detail=detail))
    over = replace(user, epoch=ended_before(visit.now))
    await swap(tx, user, over)
    return over


async def _link(tx: Tx, visit: Visit, origin: str, user: User, token: str, *, reset: bool, reason: str) -> Link:
    """Step: keep the digest of *token* and write it down."""
    ends = after(visit.now, INVITATION)
    await kept.void(tx, LINK, user.id, visit.now)
    await kept.invite(tx, digest=digest(token), purpose=LINK, user=user.id, created=visit.now, ends=ends)
    detail = {"user_name": user.principal_name, "ends": ends, "reset": reset} | why(reason)
    await record(tx, visit, Entry(Kind.PASSWORD_LINK, target=f"user:{user.id}", detail=detail))
    return Link(user, f"{origin}/password#{token}", token, ends)


async def set_password(house: House, visit: Visit, token: str, password: str) -> User | Refused:
    """
    Set a password with a link's *token*, and end every session that the account has.

    Refused: SPENT for any token that does not count, INVALID_VALUE (field ``password``), UNAVAILABLE.
    """
    mark, chosen = digest(token.strip()[:LONGEST_LINK]), normal_password(password)

    async def look(tx: Tx) -> User | None:
        return await _invited(tx, mark, visit.now)

    user = await house.store.read(look)
    if user is None:
        return SPENT
    wrong = flaw(chosen, names=(user.principal_name, user.display_name))
    if wrong:
        return Refused(Reason.INVALID_VALUE, wrong, field="password")
    encoded = await hashed(house, chosen)
    if isinstance(encoded, Refused):
        return encoded

    async def body(tx: Tx) -> User | Refused:
        person = await _invited(tx, mark, visit.now)
        if person is None or not await kept.spend(tx, mark, visit.now):
            return SPENT
        await swap(tx, person, replace(person, epoch=ended_before(visit.now)))
        await kept.set_password(tx, person.id, encoded, visit.now)
        detail = {"user_name": person.principal_name, "by": "link"}
        await record(tx, visit, Entry(Kind.PASSWORD_SET, target=f"user:{person.id}", detail=detail))
        return person

    return await house.store.write(body)


async def _invited(tx: Tx, mark: bytes, now: Instant) -> User | None:
    """Step: the enabled person whose link has the digest *mark*, while it counts."""
    found = await kept.invitation(tx, mark, LINK)
    if found is None or found.user is None or found.spent is not None or now >= found.ends:
        return None
    user = await directory.find(tx, found.user)
    return user if user is not None and user.enabled else None


async def hashed(house: House, password: str) -> str | Refused:
    """The argon2id hash of *password*, or UNAVAILABLE when too many wait."""
    try:
        return await house.outside.passwords.hash(password)
    except Busy:
        return busy()


def busy() -> Refused:
    """What is said when too many passwords are being checked."""
    return Refused(Reason.UNAVAILABLE, "Too many people are signing in at this moment. Try again in a few seconds.")


# ---- one-time-code apps


def offer(house: House, visit: Visit, *, owner: str, account: str, reuse: str = "") -> Offer:
    """
    A new seed for *account*, sealed for *owner* (a session's id, or a form's name) so that nothing is stored before its
    first code was right. A *reuse* that is still good is shown again, so that a mistyped code needs no new QR code.
    """
    seed, sealed = _opened(house, visit, owner, reuse), reuse
    if seed is None:
        seed = totp.new_seed(house.random)
        content = f"{to_seconds(visit.now)}.{seed}".encode()
        sealed = house.vault.seal(SEED, "offer", owner, "seed", content).hex()
    issuer = house.desk.picture.organisation.name
    return Offer(seed, totp.provisioning_uri(seed, account=account or "new account", issuer=issuer), sealed)


def accept(house: House, visit: Visit, *, owner: str, sealed: str, code: str) -> Confirmed | Refused:
    """
    The authenticator of an offer, if *code* is its code now. Refused: SPENT for an offer over 30 minutes old,
    BAD_CREDENTIALS.
    """
    seed = _opened(house, visit, owner, sealed)
    if seed is None:
        return Refused(Reason.SPENT, "That took too long. Scan the new QR code and try again.")
    step = totp.matching_step(seed, code, visit.now)
    if step is None:
        text = said(
            "That is not the code of this QR code. Is your phone's clock right? Wait for the next code and try again."
        )
        return Refused(Reason.BAD_CREDENTIALS, text, field="totp")
    id = house.random.guid()
    return Confirmed(id, house.vault.seal(SEED, "authenticators", id, "sealed", seed.encode()), step)


def _opened(house: House, visit: Visit, owner: str, sealed: str) -> str | None:
    """The seed of an offer made for *owner* within the last 30 minutes."""
    try:
        content = house.vault.open(SEED, "offer", owner, "seed", bytes.fromhex(sealed)).decode()
    except (SealBroken, ValueError):
        return None
    made, _, seed = content.partition(".")
    return seed if to_seconds(visit.now) - int(made) <= to_seconds(OFFER) else None


def seed_of(house: House, authenticator: kept.Authenticator) -> str:
    """The seed of a kept authenticator. Raises SealBroken when the row was tampered with."""
    return house.vault.open(SEED, "authenticators", authenticator.id, "sealed", authenticator.sealed).decode()


async def keep(tx: Tx, visit: Visit, user: User, confirmed: Confirmed) -> None:
    """Step: the authenticator is *user*'s from now on."""
    await kept.add_authenticator(tx, confirmed.id, user.id, confirmed.sealed, step=confirmed.step, now=visit.now)
    detail = {"user_name": user.principal_name, "authenticator": confirmed.id}
    await record(tx, visit, Entry(Kind.AUTHENTICATOR_ADDED, target=f"user:{user.id}", detail=detail))
