"""
Signing in with a passkey: alone, after the password, or again (step-up); and enrolling one where a first second step
is due.

An answer that proves nothing by itself leaves no entry while nobody is known: there is nothing to guess, and strangers
fill no journal (R21). One that is rightly signed and still does not count is written down; a counter that does not go
up raises an alert, because there may be two of that key.
"""

from dataclasses import dataclass

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.passkeys import Flaw, Passkey, Proof, amr_of, flaw_of, relying_party
from ostiary.core.directory.people import User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.browser import BROWSER, HALF, PASS
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.passkeys import owner_of, read_proof
from ostiary.services.directory.passkeys import (
    LATE,
    UNPROVED,
    Answer,
    Asked,
    Challenge,
    accept_new,
    ask_new,
    ask_proof,
    challenge_of,
    keep_new,
    spend,
    ways_of,
)
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.tokens import tries
from ostiary.services.tokens.sign_in import ANEW, Half, SignedIn, half, refuse_try, rise, standing
from ostiary.services.tokens.tries import Tries
from ostiary.services.tokens.upstream_people import comes_from_elsewhere
from ostiary.store import Tx, directory, passkeys, sessions


@dataclass(frozen=True, slots=True)
class Signed:
    """An answer whose signature is right; whether it counts is not looked at yet."""

    passkey: Passkey
    proof: Proof
    challenge: Challenge


def ask_passkey(house: House, visit: Visit, bound: str, known: tuple[Passkey, ...] = ()) -> Asked | None:
    """What a form needs to ask for one of the *known* passkeys, or any of ours."""
    return ask_proof(house, visit, bound, known)


def ask_first(house: House, visit: Visit, bound: str, waiting: Half) -> Asked | None:
    """What the form needs that enrols a passkey as the second step of somebody who is *waiting*."""
    return ask_new(house, visit, bound, waiting.user, waiting.ways.passkeys)


async def sign_in_with_passkey(house: House, visit: Visit, answer: Answer, known: str = "") -> SignedIn | Refused:
    """
    Sign in with a passkey and nothing else: it names its person and verified them.

    Refused: SPENT (too late, or answered before), BAD_CREDENTIALS, ACCOUNT_DISABLED is never told apart.
    """
    signed = await _signed(house, visit, answer)
    if isinstance(signed, Refused):
        return signed
    id, old, fresh = SessionId(house.random.guid()), house.random.token(), house.random.token()
    nonce = house.random.token(128)

    async def body(tx: Tx) -> SignedIn | Refused:
        user = await directory.find(tx, signed.passkey.user)
        if user is None or not user.enabled:
            return await _refuse(tx, visit, signed, user, Reason.ACCOUNT_DISABLED)
        if await comes_from_elsewhere(house, tx, user):
            return await _refuse(tx, visit, signed, user, Reason.UPSTREAM)
        wrong = await _use(tx, visit, signed, user, person=None)
        if wrong:
            return wrong
        began = max(visit.now, user.epoch)
        await sessions.add_half(
            tx, id, user.id, story=id, cookie=digest(old), created=began, ends=after(visit.now, HALF_LIFE),
            address=visit.address, amr=(),
        )  # fmt: skip
        found = await standing(tx, old, HALF, visit.now)
        mark = tries.mark(house.vault, user, known, nonce)
        return ANEW if found is None else await rise(
            house, tx, visit, found, old, fresh, mark, amr_of(signed.passkey), passkey=signed.passkey.id
        )  # fmt: skip

    return await house.store.write(body)


async def check_passkey(house: House, visit: Visit, cookie: str, answer: Answer, known: str = "") -> SignedIn | Refused:
    """The second step, by a passkey. Refused: SESSION_ENDED, SPENT, BAD_CREDENTIALS, SIGN_IN_LOCKED."""
    return await _prove(house, visit, cookie, answer, known, HALF)


async def step_up_with_passkey(
    house: House, visit: Visit, cookie: str, answer: Answer, known: str = ""
) -> SignedIn | Refused:
    """Fresh proof by a passkey, under a new cookie (R3, R16). Refused as `check_passkey`."""
    return await _prove(house, visit, cookie, answer, known, BROWSER)


async def _prove(house: House, visit: Visit, cookie: str, answer: Answer, known: str, kind: str) -> SignedIn | Refused:
    """A passkey for a session of *kind*, counted as codes are: the person is known, so wrong ones are written down."""

    async def look(tx: Tx) -> User | Refused:
        found = await standing(tx, cookie, kind, visit.now)
        if found is None or found[0].amr == PASS:
            return ANEW
        return found[1]

    user = await house.store.read(look)
    if isinstance(user, Refused):
        return user
    signed = await _signed(house, visit, answer)
    counting, fresh = tries.for_factor(house.vault, visit, user, known), house.random.token()
    mark = tries.mark(house.vault, user, known, house.random.token(128))

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, kind, visit.now)
        if found is None:
            return ANEW
        wrong = await _count(tx, visit, counting, found[1], signed)
        if wrong or isinstance(signed, Refused):
            return wrong or UNPROVED
        await tries.forget(tx, counting)
        proved = amr_of(signed.passkey)
        return await rise(house, tx, visit, found, cookie, fresh, mark, proved, passkey=signed.passkey.id)

    return await house.store.write(body)


async def _count(tx: Tx, visit: Visit, counting: Tries, user: User, signed: Signed | Refused) -> Refused | None:
    """
    Step: use *signed* for *user*. A right one never waits: it cannot be guessed. A wrong one is counted, unless it only
    came too late or its counter is closed already.
    """
    if isinstance(signed, Refused):
        if signed.reason is Reason.SPENT:
            return signed
        locked = await tries.locked(tx, counting, visit.now)
        return locked or await refuse_try(tx, visit, counting, user, Reason.BAD_CREDENTIALS, signed)
    return await _use(tx, visit, signed, user, person=user.id)


async def _signed(house: House, visit: Visit, answer: Answer) -> Signed | Refused:
    """The passkey that *answer* was signed with, by everything that its bytes can prove. Refused: SPENT, UNPROVED."""
    challenge, party = challenge_of(house, visit, answer), relying_party(house.settings.origin)
    if challenge is None or party is None:
        return LATE
    named = owner_of(answer.credential)
    if named is None:
        return UNPROVED
    passkey = await house.store.read(lambda tx: passkeys.find(tx, named[0]))
    if passkey is None:
        return UNPROVED
    proof = read_proof(
        answer.credential, challenge=challenge.value, relying_party=party, origin=house.settings.origin,
        public_key=passkey.public_key,
    )  # fmt: skip
    return UNPROVED if proof is None else Signed(passkey, proof, challenge)


async def _use(tx: Tx, visit: Visit, signed: Signed, user: User, *, person: UserId | None) -> Refused | None:
    """Step: *signed* counts for *user* this once; a challenge that was answered is answered for good."""
    if not await spend(tx, signed.challenge):
        return LATE
    old = await passkeys.find(tx, signed.passkey.credential)
    if old is None:
        return await _refuse(tx, visit, signed, user, Reason.BAD_CREDENTIALS)
    flaw, proof = flaw_of(old, signed.proof, person=person), signed.proof
    if flaw is None and await passkeys.use(
        tx, old, sign_count=proof.sign_count, backed_up=proof.backed_up, now=visit.now
    ):  # fmt: skip
        return None
    if flaw is Flaw.COUNTER:
        text = f"The counter of a passkey of {user.principal_name} did not go up: somebody may have a copy of it."
        await alert(tx, visit, about="passkey_counter", text=text, target=f"user:{user.id}")
    return await _refuse(tx, visit, signed, user, Reason.BAD_CREDENTIALS, flaw)


async def _refuse(
    tx: Tx, visit: Visit, signed: Signed, user: User | None, reason: Reason, flaw: Flaw | None = None
) -> Refused:
    """Step: write down that a rightly signed answer did not count; the person hears one sentence for all."""
    who = {"user_name": user.principal_name} if user else {}
    detail = {"reason": reason.value, "locked": False, "passkey": signed.passkey.id, "flaw": flaw or "", **who}
    target = f"user:{user.id}" if user else ""
    await record(tx, visit, Entry(Kind.SIGN_IN_REFUSED, target=target, detail=detail))
    return UNPROVED


async def enrol_passkey(
    house: House, visit: Visit, cookie: str, answer: Answer, name: str, known: str = ""
) -> SignedIn | Refused:
    """
    Second step of a person who has none yet, or who came with a temporary access pass: keep a new passkey and go on.

    Refused: SESSION_ENDED, SPENT, BAD_CREDENTIALS, INVALID_VALUE, CONFLICT when there is a second step by now.
    """
    waiting = await half(house, visit, cookie)
    if isinstance(waiting, Refused):
        return waiting
    new = accept_new(house, visit, waiting.user.id, answer, name)
    if isinstance(new, Refused):
        return new
    fresh, mark = house.random.token(), tries.mark(house.vault, waiting.user, known, house.random.token(128))

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, HALF, visit.now)
        if found is None:
            return ANEW
        ways = await ways_of(tx, found[1].id)
        if found[0].amr != PASS and (ways.totp or ways.passkeys):
            return Refused(Reason.CONFLICT, "This account has a second step already. Sign in with it.")
        passkey = await keep_new(tx, visit, found[1], new)
        if isinstance(passkey, Refused):
            return passkey
        return await rise(house, tx, visit, found, cookie, fresh, mark, amr_of(passkey), passkey=passkey.id)

    return await house.store.write(body)
