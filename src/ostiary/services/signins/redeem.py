"""
A poll that may be the one: the step that turns an approved sign-in into something to give (R5, R14).

One code buys one token: the compare-and-swap from `ready` decides, and everything before it only looks.
"""

from dataclasses import dataclass, replace

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User, stands
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.number import confirmed
from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import OPEN, SignIn, State
from ostiary.core.tokens.claims import LONGEST_TOKEN, expiry
from ostiary.core.tokens.pkce import fits
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, between, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Ask, Gathered, Side, age, device_ask, gather
from ostiary.services.devices.proved import Browser, device_of
from ostiary.services.directory.throttle import locked
from ostiary.services.exemptions.use import begin
from ostiary.services.logs.record import record
from ostiary.services.signins.claim import shunned
from ostiary.store import Tx
from ostiary.store import signins as rows

REPLAY_FORGIVEN = seconds(60)
"""A redeemed code that comes again so soon is a lost answer or a duplicate; later it is a theft (R14)."""

_ANSWERS = {
    State.ISSUED: Reason.PENDING,
    State.CLAIMED: Reason.PENDING,
    State.AWAITING_NUMBER: Reason.NUMBER_AWAITED,
    State.AWAITING_EXEMPTION: Reason.EXEMPTION_AWAITED,
    State.DENIED: Reason.DENIED,
    State.REPORTED: Reason.DENIED,
    State.EXPIRED: Reason.CODE_EXPIRED,
    State.REDEEMED: Reason.BAD_CODE,
}


@dataclass(frozen=True, slots=True)
class Passed:
    """Swapped to `redeemed` in this transaction, for *session*."""

    signin: SignIn
    user: User
    exemption: Exemption
    gathered: Gathered


@dataclass(frozen=True, slots=True)
class Stopped:
    """Account, exemption or policy said no; what was known stands beside it."""

    refused: Refused
    gathered: Gathered | None = None


async def find(tx: Tx, client: Application, digest: bytes) -> SignIn | None:
    """
    Step: the sign-in of this device code, if it is *client*'s; somebody else's is as good as none (RFC 8628 §3.4).
    """
    signin = await rows.by_device_code(tx, digest)
    return signin if signin is not None and signin.client == client.id else None


async def on_its_device(tx: Tx, signin: SignIn) -> SignIn:
    """
    Step: *signin* with the machine of the inventory that its key or certificate is of, where only a later poll than the
    first request proved that (`dpop_jkt`, or a key that the first poll fixed).
    """
    if signin.device is not None or signin.bound == UNBOUND:
        return signin
    found = await device_of(tx, signin.bound)
    return replace(signin, device=found.id) if found is not None else signin


def not_ready(signin: SignIn, now: Instant) -> Refused | None:
    """What to answer when there is nothing to redeem yet, or will never be; None when there is."""
    state = signin.standing(now)
    return None if state is State.READY else Refused(_ANSWERS[state], reference=signin.id)


def early(signin: SignIn, now: Instant) -> bool:
    """Whether a redeemed sign-in was redeemed so lately that its code may come again by itself (R14)."""
    return signin.redeemed is not None and between(signin.redeemed, now) < REPLAY_FORGIVEN


async def redeem(
    tx: Tx, picture: Picture, visit: Visit, signin: SignIn, *, session: SessionId, verifier: str
) -> Passed | Stopped | Refused:
    """
    Step: judge a ready sign-in once more and take it for *session*.

    Account, exemption and policy are looked at as they are now, and that the exemption leaves time for a token: who
    cannot be given one has used nothing. Reasons: BAD_VERIFIER, ACCOUNT_DISABLED,
    DEVICE_ENDED, EXEMPTION_ENDED, BLOCKED, NOT_ASSIGNED, REPORTED, ELSEWHERE, BAD_CODE.
    """
    if signin.challenge is not None and not fits(verifier, signin.challenge):
        return Refused(Reason.BAD_VERIFIER, reference=signin.id)
    if signin.user is None:
        return Refused(Reason.BAD_CODE, reference=signin.id)
    if await locked(tx, shunned(signin.user, signin), visit.now) is not None:  # R11: reported after the approval
        return Refused(Reason.REPORTED, reference=signin.id)
    judged = await judge(tx, picture, visit, signin, signin.user)
    if isinstance(judged, Stopped):
        return judged
    if not await rows.redeem(tx, signin, session=session, exemption=judged.exemption.id, now=visit.now):
        return Refused(Reason.BAD_CODE, reference=signin.id)
    begun = await begin(tx, visit, judged.exemption, story=signin.id)
    return replace(judged, exemption=begun)


async def judge(tx: Tx, picture: Picture, visit: Visit, signin: SignIn, user: UserId) -> Passed | Stopped:
    """Step: what account, exemption and policy say of *user*'s sign-in now; nothing is changed."""
    gathered = await gather(tx, picture, _ask(visit, signin, user), visit.now)
    reason = _wrong(signin, gathered, visit.now)
    if reason is not None or gathered is None or gathered.exemption is None:
        rules = gathered.decision.rules if gathered is not None and reason in _BY_POLICY else ()
        return Stopped(Refused(reason or Reason.ACCOUNT_DISABLED, rules=rules, reference=signin.id), gathered)
    return Passed(signin, gathered.user, gathered.exemption, gathered)


_BY_POLICY = (Reason.EXEMPTION_ENDED, Reason.ELSEWHERE, Reason.BLOCKED)


def _ask(visit: Visit, signin: SignIn, user: UserId) -> Ask:
    """The machine is where the poll comes from, for that is where the tokens go; the person was where they approved."""
    decided = signin.decided if signin.decided is not None else visit.now
    return device_ask(
        user, signin, amr=signin.amr, person=person_of(signin), proof_age=age(signin.authenticated, decided),
        machine=visit.address,
    )  # fmt: skip


def person_of(signin: SignIn) -> Side:
    """The browser in which *signin* was approved, and what showed that machine and person belong together."""
    side = Side.at(
        signin.approver_address, signin.approver_agent, Browser(signin.approver_device, signin.approver_passkey)
    )
    typed = frozenset(signin.matched)
    return replace(
        side, number=confirmed(signin) is True, ticket=signin.declared.ticket, reference=Datum.REFERENCE in typed,
        machine=Datum.MACHINE in typed,
    )  # fmt: skip


def _wrong(signin: SignIn, gathered: Gathered | None, now: Instant) -> Reason | None:
    if gathered is None or not gathered.user.enabled:
        return Reason.ACCOUNT_DISABLED
    began = signin.authenticated
    if began is None or not stands(gathered.user, began=began, amr=signin.amr, now=now):
        return Reason.SESSION_ENDED
    if gathered.lost:
        return Reason.DEVICE_ENDED
    if not gathered.assigned:
        return Reason.NOT_ASSIGNED
    if gathered.elsewhere:
        return Reason.ELSEWHERE
    if gathered.exemption is None or expiry(now, LONGEST_TOKEN, gathered.exemption.begun(now).ends) is None:
        return Reason.EXEMPTION_ENDED
    return None if gathered.decision.outcome is Outcome.ALLOWED else Reason.BLOCKED


async def close(tx: Tx, visit: Visit, signin: SignIn) -> None:
    """Step: a redemption that policy refused ends the sign-in: the requester stops, and no clock started (R5)."""
    await rows.close(tx, signin, State.DENIED, address=signin.approver_address or "", agent="", now=visit.now)


async def withdraw(tx: Tx, visit: Visit, client: Application, digest: bytes) -> bool:
    """
    Step: *client* gives back a device code that is not redeemed: its sign-in ends as denied. False: nothing ended.
    """
    signin = await find(tx, client, digest)
    if signin is None or signin.standing(visit.now) not in OPEN:
        return False
    if not await rows.close(tx, signin, State.DENIED, address="", agent="", now=visit.now):
        return False
    detail = {"client": client.id, "by": "requester"}
    await record(tx, visit, Entry(Kind.DENIED, target=f"application:{client.id}", story=signin.id, detail=detail))
    return True
