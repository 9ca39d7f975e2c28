"""
Signing in at the browser: password, then the code of an authenticator, then a session; and proving it again.

Owns the order and the counting of wrong tries; passkeys, recovery codes and access passes have files of their own, and
rise by the steps here. Says the same sentence, after the same work, whether an account exists,
is disabled or has another password. A person without an authenticator enrols one before anything else. A try that
is refused for the number of tries before it is not looked at and leaves no entry, so the journal stays bounded (R21).
"""

from dataclasses import dataclass

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.credentials import normal_name, normal_password
from ostiary.core.directory.people import FEDERATED, User
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.told_people import ALWAYS
from ostiary.core.tokens.browser import AMR, BROWSER, HALF, PASS, BrowserSession, alive, idle_end
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside import totp
from ostiary.outside.passwords import Busy
from ostiary.services.directory.credentials import Confirmed, Offer, accept, busy, keep, offer, seed_of
from ostiary.services.directory.passkeys import Ways, ways_of
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.tokens import tries
from ostiary.services.tokens.tries import Tries
from ostiary.services.tokens.upstream_people import comes_from_elsewhere
from ostiary.store import Tx, directory, sessions
from ostiary.store import credentials as kept

WRONG = Refused(Reason.BAD_CREDENTIALS, "The user name or the password is wrong.")
WRONG_CODE = Refused(
    Reason.BAD_CREDENTIALS, "That code is wrong or was used already. Wait for the next one and try again.", field="totp"
)
ANEW = Refused(Reason.SESSION_ENDED, "That took too long. Please sign in again.")


@dataclass(frozen=True, slots=True)
class Half:
    """The password was right. *cookie* is the value of the half session, empty when it was only looked at."""

    cookie: str
    user: User
    session: SessionId
    ways: Ways
    by_pass: bool = False
    """Whether a temporary access pass came instead of the password: then nothing but a new passkey helps."""

    @property
    def enrolled(self) -> bool:
        """Whether a second step is asked for; if not, one is enrolled next."""
        return not self.by_pass and (self.ways.totp or bool(self.ways.passkeys))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was done to the person's credentials since their last sign-in."""

    kind: str
    at: Instant
    by: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A whole session: the new cookie, what marks this browser as known, and what the person should be told."""

    cookie: str
    known: str
    user: User
    notices: tuple[Notice, ...] = ()


async def check_password(house: House, visit: Visit, name: str, password: str, known: str = "") -> Half | Refused:
    """
    First step. *known* is the value of this browser's long-lived cookie.

    Refused: BAD_CREDENTIALS, SIGN_IN_LOCKED (with the time to wait), UNAVAILABLE.
    """
    called, cookie, new = normal_name(name[:320]), house.random.token(), SessionId(house.random.guid())

    async def look(tx: Tx) -> tuple[Tries, str | None] | Refused:
        user = await directory.find_named(tx, called)
        counting = tries.for_password(house.vault, visit, called, user, known)
        locked = await tries.locked(tx, counting, visit.now)
        return locked or (counting, await kept.password(tx, user.id) if user else None)

    seen = await house.store.read(look)
    if isinstance(seen, Refused):
        return seen
    counting, encoded = seen
    verdict = await _verify(house, encoded, normal_password(password))
    if isinstance(verdict, Refused):
        return verdict

    async def body(tx: Tx) -> Half | Refused:
        locked = await tries.locked(tx, counting, visit.now)
        if locked:
            return locked  # another try that came meanwhile was wrong: what this one was is not told
        user = await directory.find_named(tx, called)
        flaw = await _flaw(house, tx, user, encoded, right=verdict.right)
        if flaw or user is None:
            return await refuse_try(tx, visit, counting, user, flaw or Reason.BAD_CREDENTIALS, WRONG)
        if verdict.better and encoded:
            await kept.rehash(tx, user.id, encoded, verdict.better)
        return await _half(tx, visit, user, new, cookie)

    return await house.store.write(body)


@dataclass(frozen=True, slots=True)
class _Verdict:
    right: bool
    better: str = ""
    """The same password at today's cost, when it was kept at another."""


async def _verify(house: House, encoded: str | None, password: str) -> _Verdict | Refused:
    """Whether the password is right, after the same work when there is none to compare with."""
    hashing = house.outside.passwords
    try:
        if encoded is None:
            await hashing.waste(password)
            return _Verdict(False)
        right = await hashing.verify(encoded, password)
        return _Verdict(right, await hashing.hash(password) if right and hashing.needs_rehash(encoded) else "")
    except Busy:
        return busy()


async def _flaw(house: House, tx: Tx, user: User | None, encoded: str | None, *, right: bool) -> Reason | None:
    """Step: why this sign-in ends here, as the journal says it; the person hears one sentence for all."""
    if user is None or encoded is None or not right:
        return Reason.BAD_CREDENTIALS
    if not user.enabled:
        return Reason.ACCOUNT_DISABLED
    if await comes_from_elsewhere(house, tx, user):
        return Reason.UPSTREAM
    return None if await kept.password(tx, user.id) == encoded else Reason.BAD_CREDENTIALS


async def refuse_try(
    tx: Tx, visit: Visit, counting: Tries, user: User | None, reason: Reason, said: Refused
) -> Refused:
    """
    Step: count a wrong try and write it down.

    A name that nobody has is not written: people type passwords into that field.
    """
    locked = await tries.count(tx, visit, counting)
    who = {"user_name": user.principal_name} if user else {}
    detail = {"reason": reason.value, "locked": locked, **who}
    await record(tx, visit, Entry(Kind.SIGN_IN_REFUSED, target=f"user:{user.id}" if user else "", detail=detail))
    return said


async def _half(tx: Tx, visit: Visit, user: User, id: SessionId, cookie: str) -> Half:
    """
    Step: a session that waits for the second factor. It never begins before the account's epoch, or it would be over.
    """
    began = max(visit.now, user.epoch)
    await sessions.add_half(
        tx, id, user.id, story=id, cookie=digest(cookie), created=began, ends=after(visit.now, HALF_LIFE),
        address=visit.address,
    )  # fmt: skip
    detail = {"user_name": user.principal_name, "session": id}
    await record(tx, visit, Entry(Kind.PASSWORD_PASSED, target=f"user:{user.id}", story=id, detail=detail))
    return Half(cookie, user, id, await ways_of(tx, user.id))


async def half(house: House, visit: Visit, cookie: str) -> Half | Refused:
    """What the half session of *cookie* waits for. Refused: SESSION_ENDED."""

    async def body(tx: Tx) -> Half | Refused:
        found = await standing(tx, cookie, HALF, visit.now)
        if found is None:
            return ANEW
        session, user = found
        return Half("", user, session.id, await ways_of(tx, user.id), session.amr == PASS)

    return await house.store.read(body)


def new_authenticator(house: House, visit: Visit, waiting: Half, reuse: str = "") -> Offer:
    """A QR code for a person who has no authenticator yet; *reuse* is the offer that the form brought back."""
    return offer(house, visit, owner=waiting.session, account=waiting.user.principal_name, reuse=reuse)


async def check_code(house: House, visit: Visit, cookie: str, code: str, known: str = "") -> SignedIn | Refused:
    """Second step. Refused: SESSION_ENDED, BAD_CREDENTIALS, SIGN_IN_LOCKED."""
    return await _prove(house, visit, cookie, code, known, HALF)


async def step_up(house: House, visit: Visit, cookie: str, code: str, known: str = "") -> SignedIn | Refused:
    """Prove the second factor again: fresh `auth_time` under a new cookie (R3, R16). Refused as `check_code`."""
    return await _prove(house, visit, cookie, code, known, BROWSER)


async def _prove(house: House, visit: Visit, cookie: str, code: str, known: str, kind: str) -> SignedIn | Refused:
    """A code for a session of *kind*: the same counting, the same compare-and-swap, whether it begins or goes on."""

    async def look(tx: Tx) -> tuple[User, list[kept.Authenticator]] | Refused:
        found = await standing(tx, cookie, kind, visit.now)
        if found is None:
            return ANEW
        locked = await tries.locked(tx, tries.for_factor(house.vault, visit, found[1], known), visit.now)
        return locked or (found[1], await kept.authenticators_of(tx, found[1].id))

    seen = await house.store.read(look)
    if isinstance(seen, Refused):
        return seen
    user, known_ones = seen
    matches = [(each, totp.matching_step(seed_of(house, each), code, visit.now)) for each in known_ones]
    used = next(((each, step) for each, step in matches if step is not None), None)
    counting, fresh = tries.for_factor(house.vault, visit, user, known), house.random.token()
    mark = tries.mark(house.vault, user, known, house.random.token(128))

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, kind, visit.now)
        if found is None or found[0].amr == PASS:
            return ANEW
        locked = await tries.locked(tx, counting, visit.now)
        if locked:
            return locked  # as in `check_password`
        if used is None or not await kept.use_step(tx, used[0].id, used[1]):
            return await refuse_try(tx, visit, counting, found[1], Reason.BAD_CREDENTIALS, WRONG_CODE)
        await tries.forget(tx, counting)
        return await rise(house, tx, visit, found, cookie, fresh, mark, amr_after_code(found[0]))

    return await house.store.write(body)


async def enrol(house: House, visit: Visit, cookie: str, sealed: str, code: str, known: str = "") -> SignedIn | Refused:
    """
    Second step of a person who had no authenticator: keep the offered one and go on.

    Refused: SESSION_ENDED, SPENT (offer too old), BAD_CREDENTIALS, CONFLICT when there is an authenticator by now.
    """
    waiting = await half(house, visit, cookie)
    if isinstance(waiting, Refused):
        return waiting
    confirmed = accept(house, visit, owner=waiting.session, sealed=sealed, code=code)
    if isinstance(confirmed, Refused):
        return confirmed
    fresh, mark = house.random.token(), tries.mark(house.vault, waiting.user, known, house.random.token(128))

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, HALF, visit.now)
        if found is None:
            return ANEW
        ways = await ways_of(tx, found[1].id)
        if ways.totp or ways.passkeys or found[0].amr == PASS:
            return Refused(Reason.CONFLICT, "This account has a second step already. Sign in with it.")
        return await _enrolled(house, tx, visit, found, confirmed, cookie, fresh, mark)

    return await house.store.write(body)


async def _enrolled(
    house: House, tx: Tx, visit: Visit, found: tuple[BrowserSession, User], confirmed: Confirmed, cookie: str,
    fresh: str, mark: str,
) -> SignedIn | Refused:  # fmt: skip
    await keep(tx, visit, found[1], confirmed)
    return await rise(house, tx, visit, found, cookie, fresh, mark)


def amr_after_code(session: BrowserSession) -> tuple[str, ...]:
    """What a code of an authenticator makes of *session*; one that began with a passkey never had a password."""
    return AMR if "pwd" in session.amr else tuple(each for each in AMR if each != "pwd")


async def standing(tx: Tx, cookie: str, kind: str, now: Instant) -> tuple[BrowserSession, User] | None:
    """Step: the live session of *kind* that *cookie* opens, and its person."""
    found = await sessions.by_cookie(tx, digest(cookie))
    return found if found and alive(found[0], found[1], kind=kind, now=now) else None


async def rise(
    house: House, tx: Tx, visit: Visit, found: tuple[BrowserSession, User], cookie: str, fresh: str, mark: str,
    amr: tuple[str, ...] = AMR, proved: Instant | None = None, passkey: str | None = None,
) -> SignedIn | Refused:  # fmt: skip
    """
    Step: the session is whole, under a new cookie, and proved just now, or at *proved*, with *passkey* if with one.

    What began on an upstream provider's word goes on standing on it, whatever is proved here beside it.
    """
    session, user = found
    if FEDERATED in session.amr and FEDERATED not in amr:
        amr = (FEDERATED, *amr)
    beginning = session.kind == HALF
    ends = after(session.created, house.settings.session_longest)
    idle = idle_end(visit.now, ends, house.settings.session_idle)
    if not await sessions.rise(
        tx, session, old_cookie=digest(cookie), cookie=digest(fresh), now=visit.now, idle_ends=idle, ends=ends, amr=amr,
        authenticated=proved, passkey=passkey,
    ):  # fmt: skip
        return ANEW
    notices = await _notices(tx, visit, user) if beginning else ()
    detail = {"user_name": user.principal_name, "session": session.id, "amr": list(amr)}
    kind = Kind.SIGNED_IN if beginning else Kind.STEPPED_UP
    await record(tx, visit, Entry(kind, target=f"user:{user.id}", story=session.story, detail=detail))
    return SignedIn(fresh, mark, user, notices)


async def _notices(tx: Tx, visit: Visit, user: User) -> tuple[Notice, ...]:
    """Step: what was done to this person's credentials since the last sign-in, newest first."""
    target = f"user:{user.id}"
    last = await directory.last_entry(tx, target, Kind.SIGNED_IN)
    entries = await directory.told(tx, target, after=last, now=visit.now)
    return tuple(Notice(kind, at, by) for kind, at, by in entries if kind in ALWAYS or by != user.principal_name)
