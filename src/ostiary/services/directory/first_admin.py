"""
The first administrator of a new house: made at `/setup` with a one-time code that `ostiary-server init` printed (R18).

The code has 140 bits, is kept as a digest, lives 15 minutes and 5 tries, and works only while there is no
administrator: looked at, counted and spent in the one transaction that makes the administrator with password and
authenticator or passkey.
"""

from dataclasses import dataclass

from ostiary.core.directory.credentials import FIRST_CODE, FIRST_CODE_TRIES, flaw, normal_name, normal_password
from ostiary.core.directory.people import Role, User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.digests import digest, same
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.credentials import Confirmed, accept, hashed, keep
from ostiary.services.directory.passkeys import (
    Answer,
    Asked,
    New,
    accept_new,
    ask_new,
    keep_admitted,
    objection,
)
from ostiary.services.directory.people import add_user
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory
from ostiary.store import credentials as kept

CODE = "first_administrator"  # purpose of the invitation
OWNER = "setup"  # whose the offered seed is before there is an account
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 letters that nobody confuses
LETTERS = 28  # 140 bits
GROUP = 4

OVER = Refused(Reason.SPENT, "This house has an administrator already.")
WRONG = Refused(
    Reason.SPENT,
    "That code was used already, ran out, was tried too often, or never existed. "
    "On the machine, ostiary-server init prints a new one.",
    field="code",
)


@dataclass(frozen=True, slots=True)
class FirstForm:
    """What `/setup` sends."""

    code: str
    principal_name: str
    display_name: str
    password: str
    offer: str
    totp: str
    account: str = ""
    """The id for which the page asked for a passkey (`ask_first_passkey`)."""
    passkey: Answer | None = None
    """A passkey in the place of the authenticator."""


async def issue_code(house: House, visit: Visit) -> tuple[str, Instant] | Refused:
    """
    A new code, in groups of four, and its end; earlier ones count no more. Refused (SPENT) once there is an
    administrator.
    """
    letters = house.random.letters(ALPHABET, LETTERS)

    async def body(tx: Tx) -> Instant | Refused:
        if await directory.administrators(tx):
            return OVER
        ends = after(visit.now, FIRST_CODE)
        await kept.void(tx, CODE, None, visit.now)
        await kept.invite(tx, digest=digest(letters), purpose=CODE, user=None, created=visit.now, ends=ends)
        await record(tx, visit, Entry(Kind.FIRST_CODE, detail={"ends": ends}))
        return ends

    ends = await house.store.write(body)
    if isinstance(ends, Refused):
        return ends
    return "-".join(letters[at : at + GROUP] for at in range(0, LETTERS, GROUP)), ends


async def is_open(house: House, visit: Visit) -> bool:
    """Whether `/setup` has anything to offer: no administrator, and a code that still counts."""

    async def body(tx: Tx) -> bool:
        if await directory.administrators(tx):
            return False
        return bool(await kept.open_invitations(tx, CODE, now=visit.now, tries=FIRST_CODE_TRIES))

    return await house.store.read(body)


async def create_first(house: House, visit: Visit, form: FirstForm) -> User | Refused:
    """
    Make the first administrator.

    The code comes first: a wrong one is counted before anything else is looked at. What is wrong elsewhere (name,
    password, one-time code) is said and does not spend it. Refused: SPENT, INVALID_VALUE, BAD_CREDENTIALS, UNAVAILABLE.
    """
    mark = digest("".join(letter for letter in form.code.upper()[:200] if letter in ALPHABET))

    async def look(tx: Tx) -> bool:
        return await _counts(tx, visit, mark)

    async def count(tx: Tx) -> Refused:
        return await _check(tx, visit, mark) or WRONG

    if not await house.store.read(look):
        return await house.store.write(count)
    password = normal_password(form.password)
    wrong = flaw(password, names=(normal_name(form.principal_name), form.display_name))
    if wrong:
        return Refused(Reason.INVALID_VALUE, wrong, field="password")
    factor = _factor(house, visit, form)
    if isinstance(factor, Refused):
        return factor
    encoded = await hashed(house, password)
    if isinstance(encoded, Refused):
        return encoded
    return await _create(house, visit, form, mark, encoded, factor)


def ask_first_passkey(house: House, visit: Visit, bound: str) -> tuple[str, Asked | None]:
    """An id for the account that is to be made, and what the form needs to ask for its passkey."""
    user = User(UserId(house.random.guid()), "administrator", "First administrator")
    return user.id, ask_new(house, visit, bound, user)


def _factor(house: House, visit: Visit, form: FirstForm) -> Confirmed | New | Refused:
    """The second step that *form* brings; a passkey only for an account id that we asked with."""
    if form.passkey is not None:
        return accept_new(house, visit, UserId(form.account), form.passkey, "")
    return accept(house, visit, owner=OWNER, sealed=form.offer, code=form.totp)


async def _create(
    house: House, visit: Visit, form: FirstForm, mark: bytes, encoded: str, factor: Confirmed | New
) -> User | Refused:
    """The transaction that spends the code and makes the account."""
    name, shown = normal_name(form.principal_name), form.display_name.strip() or normal_name(form.principal_name)
    id = form.account if isinstance(factor, New) else house.random.guid()
    user = User(UserId(id), name, shown, roles=frozenset({Role.ADMINISTRATOR}), created=visit.now)

    async def body(tx: Tx) -> User | Refused:
        refused = await _check(tx, visit, mark)
        if refused is None and isinstance(factor, New):
            refused = await objection(tx, user.id, factor)
        if refused:
            return refused
        added = await add_user(tx, visit, user)
        if isinstance(added, Refused):
            return added
        await kept.spend(tx, mark, visit.now)
        await kept.set_password(tx, user.id, encoded, visit.now)
        if isinstance(factor, New):
            await keep_admitted(tx, visit, user, factor)
        else:
            await keep(tx, visit, user, factor)
        detail = {"user_name": user.principal_name}
        await record(tx, visit, Entry(Kind.FIRST_ADMINISTRATOR, target=f"user:{user.id}", detail=detail))
        return user

    return await house.store.write(body)


async def _counts(tx: Tx, visit: Visit, mark: bytes) -> bool:
    """Step: whether *mark* is the code that counts now."""
    codes = await kept.open_invitations(tx, CODE, now=visit.now, tries=FIRST_CODE_TRIES)
    right = sum(same(code.digest, mark) for code in codes) > 0
    return right and not await directory.administrators(tx)


async def _check(tx: Tx, visit: Visit, mark: bytes) -> Refused | None:
    """Step: None when *mark* is the code that counts; a wrong one is counted and written down."""
    if await _counts(tx, visit, mark):
        return None
    if await directory.administrators(tx):
        return OVER
    codes = await kept.open_invitations(tx, CODE, now=visit.now, tries=FIRST_CODE_TRIES)
    if codes:
        await kept.count_try(tx, CODE)
        await record(tx, visit, Entry(Kind.FIRST_CODE_WRONG, detail={"tries": codes[0].tries + 1}))
    return WRONG
