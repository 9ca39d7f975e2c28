"""
Passkeys of people: asking a browser for one, keeping what it made, the list, and taking one away.

A challenge is sealed into the form that asks for it, bound to what that form is bound to, and good for five minutes: a
GET leaves no row (R16, 0012). It is written down when it is answered rightly, so that no answer counts twice.
"""

from dataclasses import dataclass

from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import CHALLENGE, MOST, Created, Passkey, device_bound, read_name, relying_party
from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.outside.passkeys import creation_options, read_created, request_options
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, passkeys
from ostiary.store import credentials as kept

SEAL = "passkey"  # purpose of the seal
CHALLENGE_BYTES = 32  # WebAuthn §13.4.3 asks for 16 at least
LONGEST_SEALED = 1024  # hex digits

LATE = Refused(Reason.SPENT, "That took too long. Please try again.", field="passkey")
UNPROVED = Refused(
    Reason.BAD_CREDENTIALS, "That passkey was not accepted. Try again, or use another way.", field="passkey"
)
HELD = Refused(Reason.CONFLICT, "That passkey is here already.", field="passkey")
FULL = Refused(
    Reason.CONFLICT, said("Nobody has more than %(most)s passkeys. Remove one first.", most=MOST), field="passkey"
)
NONE_HERE = Refused(Reason.CONFLICT, "Passkeys need a host name; this house is at an address.", field="passkey")
MISSING = Refused(Reason.NOT_FOUND, "There is no such passkey of yours.")
LAST = Refused(Reason.CONFLICT, "It is your only second step. Add another way first.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form needs to ask a browser: the options for its script, and the challenge sealed for the answer."""

    options: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What such a form brought back, unproved. *bound* is what the form is bound to."""

    bound: str
    sealed: str
    credential: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge of ours that this browser may still answer."""

    value: bytes
    ends: Instant


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody can prove who they are beside a password."""

    passkeys: tuple[Passkey, ...]
    totp: bool
    codes: int
    """Recovery codes that are left."""


# ---- challenges


def ask_proof(house: House, visit: Visit, bound: str, known: tuple[Passkey, ...] = ()) -> Asked | None:
    """Ask for one of the *known* passkeys, or any of ours; None where the house can have none."""
    party = relying_party(house.settings.origin)
    if party is None:
        return None
    challenge = house.random.bytes(CHALLENGE_BYTES)
    options = request_options(challenge=challenge, relying_party=party, known=known)
    return Asked(options, _seal(house, visit, bound, "get", challenge))


def ask_new(house: House, visit: Visit, bound: str, user: User, known: tuple[Passkey, ...] = ()) -> Asked | None:
    """Ask for a new passkey of *user*; None where the house can have none."""
    party = relying_party(house.settings.origin)
    if party is None:
        return None
    challenge = house.random.bytes(CHALLENGE_BYTES)
    options = creation_options(
        challenge=challenge, relying_party=party, organisation=house.desk.picture.organisation.name, user=user.id,
        name=user.principal_name, shown=user.display_name, known=known,
        attested=bool(house.settings.attesting.models),
    )  # fmt: skip
    return Asked(options, _seal(house, visit, bound, _making(user.id), challenge))


def _making(user: UserId) -> str:
    """The place of a challenge that asks for a new passkey: one that was made for *user* makes none for another."""
    return f"create:{user}"


def _seal(house: House, visit: Visit, bound: str, use: str, challenge: bytes) -> str:
    content = str(after(visit.now, CHALLENGE)).encode() + b"." + challenge
    return house.vault.seal(SEAL, "challenge", digest(bound).hex(), use, content).hex()


def challenge_of(house: House, visit: Visit, answer: Answer, use: str = "get") -> Challenge | None:
    """The challenge that was sealed into the form of *answer*, for this browser, this *use* and these minutes."""
    try:
        sealed = bytes.fromhex(answer.sealed[:LONGEST_SEALED])
        content = house.vault.open(SEAL, "challenge", digest(answer.bound).hex(), use, sealed)
    except (SealBroken, ValueError):
        return None
    ends, _, value = content.partition(b".")
    return Challenge(value, Instant(int(ends))) if visit.now < int(ends) else None


async def spend(tx: Tx, challenge: Challenge) -> bool:
    """Step: the challenge is answered; False when it was before."""
    return await passkeys.spend(tx, digest(challenge.value), ends=challenge.ends)


async def tend_challenges(house: House, visit: Visit) -> int:
    """Job: forget answered challenges that are too old to count anyhow; how many there were."""

    async def body(tx: Tx) -> int:
        return await passkeys.sweep(tx, visit.now)

    return await house.store.write(body)


# ---- enrolment


@dataclass(frozen=True, slots=True)
class New:
    """A passkey that a browser made and that may be kept."""

    id: str
    made: Created
    name: str
    challenge: Challenge


def accept_new(house: House, visit: Visit, user: UserId, answer: Answer, name: str) -> New | Refused:
    """The passkey that *answer* shows, made for *user* just now. Refused: SPENT, BAD_CREDENTIALS, INVALID_VALUE."""
    called, party = read_name(name), relying_party(house.settings.origin)
    if isinstance(called, Refused):
        return called
    challenge = challenge_of(house, visit, answer, _making(user))
    if challenge is None or party is None:
        return LATE
    origin = house.settings.origin
    made = read_created(
        answer.credential,
        challenge=challenge.value,
        relying_party=party,
        origin=origin,
        attesting=house.settings.attesting,
    )
    return UNPROVED if made is None else New(house.random.guid(), made, called, challenge)


def made_of(new: New, user: UserId, now: Instant, machine: Device | None = None) -> Passkey:
    """*new* as it is kept for *user*, standing for *machine*, which its certificate showed."""
    made = new.made
    return Passkey(
        new.id, user, made.credential, made.public_key, made.sign_count, made.transports, made.backup_eligible,
        made.backed_up, made.aaguid, new.name, now, attested=made.attested,
        device=machine.id if machine else None, certificate=machine.certificate if machine else None,
    )  # fmt: skip


async def keep_new(tx: Tx, visit: Visit, user: User, new: New, machine: Device | None = None) -> Passkey | Refused:
    """Step: *new* is *user*'s from now on, and stands for *machine*. Refused: SPENT, CONFLICT."""
    return await objection(tx, user.id, new) or await keep_admitted(tx, visit, user, new, machine)


async def objection(tx: Tx, user: UserId, new: New) -> Refused | None:
    """Step: why *new* cannot be *user*'s; None spends its challenge."""
    if await passkeys.find(tx, new.made.credential) is not None:
        return HELD
    if await passkeys.count(tx, user) >= MOST:
        return FULL
    return None if await spend(tx, new.challenge) else LATE


async def keep_admitted(tx: Tx, visit: Visit, user: User, new: New, machine: Device | None = None) -> Passkey:
    """Step: keep *new*, to which there was no `objection`."""
    made = made_of(new, user.id, visit.now, machine)
    await passkeys.add(tx, made)
    detail = {
        "user_name": user.principal_name, "passkey": made.id, "name": made.name, "aaguid": made.aaguid,
        "device_bound": device_bound(made), "attested": made.attested, "device": made.device or "",
    }  # fmt: skip
    await record(tx, visit, Entry(Kind.PASSKEY_ADDED, target=f"user:{user.id}", detail=detail))
    return made


# ---- one's own


async def ways_of(tx: Tx, user: UserId) -> Ways:
    """Step: what *user* can prove with."""
    found, totp = await passkeys.of_user(tx, user), await kept.authenticators_of(tx, user)
    return Ways(found, bool(totp), await kept.codes_left(tx, user))


async def own_ways(house: House, visit: Visit) -> Ways | Refused:
    """What the caller can prove with. Refused: NOT_SIGNED_IN and its kin."""
    id, refused = visit.caller.user, judge(Action.READ_SELF, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    return await house.store.read(lambda tx: ways_of(tx, id))


async def ask_own(house: House, visit: Visit, bound: str) -> Asked | Refused:
    """Ask the caller's browser for a new passkey. Refused: NOT_SIGNED_IN and its kin, STEP_UP, CONFLICT."""
    id, refused = visit.caller.user, judge(Action.CHANGE_FACTORS, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)

    async def look(tx: Tx) -> tuple[User | None, tuple[Passkey, ...]]:
        return await directory.find(tx, id), await passkeys.of_user(tx, id)

    user, known = await house.store.read(look)
    return (user and ask_new(house, visit, bound, user, known)) or NONE_HERE


async def remove_own(house: House, visit: Visit, passkey: str) -> Passkey | Refused:
    """
    Take one of the caller's passkeys away. Refused: NOT_SIGNED_IN and its kin, STEP_UP, NOT_FOUND, CONFLICT for the
    only second step, without which whoever knows the password could enrol their own.
    """
    id, refused = visit.caller.user, judge(Action.CHANGE_FACTORS, visit.caller, now=visit.now)
    if refused or id is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)

    async def body(tx: Tx) -> Passkey | Refused:
        ways = await ways_of(tx, id)
        found = next((each for each in ways.passkeys if each.id == passkey), None)
        wrong = MISSING if found is None else None if ways.totp or len(ways.passkeys) > 1 else LAST
        if wrong or found is None or not await passkeys.remove(tx, found.id, id):
            return await refuse(tx, visit, Action.CHANGE_FACTORS, wrong or MISSING, target=f"user:{id}")
        detail = {"user_name": visit.caller.name, "passkey": found.id, "name": found.name}
        await record(tx, visit, Entry(Kind.PASSKEY_REMOVED, target=f"user:{id}", detail=detail))
        return found

    return await house.store.write(body)
