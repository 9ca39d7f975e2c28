"""
The token endpoint's deed: authenticate the client, redeem what it brought, sign, write it down, commit, answer.

The phases are here, so that no grant can forget one; each grant is one file in `grants/`.
"""

from dataclasses import replace

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.tokens import refresh
from ostiary.core.words.digests import digest
from ostiary.core.words.errors import OstiaryError
from ostiary.core.words.ids import AppId, SessionId
from ostiary.core.words.instants import between, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate, spend
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import note, refuse
from ostiary.services.signins.waiting_room import Awaits
from ostiary.services.tokens.grants import BY_NAME
from ostiary.services.tokens.grants.grant import Redeemed, Request, TokenForm
from ostiary.services.tokens.grants.refresh_token import REFRESH_TOKENS
from ostiary.services.tokens.issue import Issued, issue
from ostiary.services.tokens.proof_refusals import about_bound, note_wrong_key
from ostiary.store import Tx
from ostiary.store import signins as signin_rows

__all__ = ["LONGEST_HOLD", "TokenForm", "decided", "grant", "known", "may_wait", "pending"]

LONGEST_HOLD = 15
"""Seconds that a poll may wait for its answer: shorter than what proxies and clients bear."""

_UNDECIDED = (State.ISSUED, State.CLAIMED)
_PENDING, _SLOWER = Refused(Reason.PENDING), Refused(Reason.SLOW_DOWN)
_REFUSED: dict[str, Kind] = {
    Kind.REDEEMED: Kind.REDEMPTION_REFUSED, Kind.REPEATED: Kind.REDEMPTION_REFUSED,
    Kind.REFRESHED: Kind.REFRESH_REFUSED, Kind.CODE_REDEEMED: Kind.CODE_REFUSED,
}  # fmt: skip
_COMES_AND_GOES = (
    Reason.PENDING, Reason.NUMBER_AWAITED, Reason.EXEMPTION_AWAITED, Reason.SLOW_DOWN, Reason.CODE_EXPIRED,
    Reason.DENIED,
)  # fmt: skip


class _Undo(OstiaryError):
    """Tokens could not be made after the redemption: undo it and say why."""

    def __init__(self, refused: Refused, redeemed: Redeemed) -> None:
        super().__init__(refused.reason)
        self.refused = replace(refused, reference=redeemed.session.story)
        self.redeemed = redeemed


def pending(house: House, visit: Visit, form: TokenForm) -> Refused | None:
    """
    The waiting room's answer to a poll: PENDING, EXEMPTION_AWAITED, SLOW_DOWN, or None for "ask the store". Memory
    only.
    """
    known_client = known(house, form)
    if known_client is None or not known_client.public:
        return None
    lenient = house.settings.lenient_pace or known_client.microsoft_family
    secret = digest(form.device_code)
    slow = house.room.poll(secret, known_client, visit.now, lenient=lenient, proof=visit.proof)
    if slow is None:
        return None
    if slow and not known_client.microsoft_family:
        return _SLOWER
    awaits = house.room.awaits(secret)
    if awaits is None:
        return _PENDING
    left = to_seconds(between(visit.now, awaits.ends))
    return replace(awaits.answer, told={**awaits.answer.told, "ostiary_expires_in": left})


def may_wait(house: House, form: TokenForm) -> float:
    """
    How many seconds this poll may be kept waiting for its answer, at its own wish (`ostiary_wait`): 0 for a client that
    proves itself, since its proof counts once.
    """
    client = known(house, form)
    return float(min(form.wait, LONGEST_HOLD)) if client is not None and client.public else 0.0


async def decided(house: House, form: TokenForm, longest: float) -> bool:
    """Wait up to *longest* seconds for something to be decided about a pending sign-in; whether to ask the store."""
    return await house.room.hold(digest(form.device_code), longest, house.clock.now())


def known(house: House, form: TokenForm) -> Application | None:
    """The registration that an error answer is laid out for, whether it proved itself or not."""
    return house.desk.picture.applications.get(AppId(form.client.name.lower()))


async def grant(house: House, visit: Visit, form: TokenForm) -> Issued | Refused:
    """
    Tokens, or why not.

    Reasons: those of client authentication, INVALID_REQUEST, UNSUPPORTED_GRANT, and of the grant itself.
    """
    chosen = BY_NAME.get(form.grant_type)
    if chosen is None:
        missing = Refused(Reason.INVALID_REQUEST, "The parameter grant_type is missing.", field="grant_type")
        return missing if not form.grant_type else Refused(Reason.UNSUPPORTED_GRANT, field="grant_type")
    missing_parameter = next((name for name in chosen.PARAMETERS if not getattr(form, name)), None)
    if missing_parameter is not None:
        return Refused(
            Reason.INVALID_REQUEST, f"The parameter {missing_parameter} is missing.", field=missing_parameter
        )
    new = SessionId(house.random.guid())

    async def body(tx: Tx, picture: Picture) -> Issued | Refused:
        client = authenticate(house, picture, form.client, visit.now)
        if isinstance(client, Refused):
            return client
        redeemed = await chosen.redeem(house, tx, picture, visit, Request(form, client, new))
        if isinstance(redeemed, Refused):
            return redeemed
        return await _give(house, tx, picture, visit, client, form, redeemed)

    used = await spend(house, visit, form.client)
    try:
        answer = await settled(house, body) if used is None else used
    except _Undo as undone:
        return await _tell(house, visit, undone)
    return await _after(house, visit, form, answer)


async def _give(
    house: House, tx: Tx, picture: Picture, visit: Visit, client: Application, form: TokenForm, redeemed: Redeemed
) -> Issued:
    """Sign before the commit, so that a redemption that cannot be answered never was (R14)."""
    key = house.vault.derived(REFRESH_TOKENS)
    issued = issue(
        house, picture, visit, redeemed.session, client=client, resource=redeemed.resource, scopes=redeemed.scopes,
        openid=redeemed.openid, user=redeemed.user, ends=redeemed.ends, words=redeemed.words, nonce=redeemed.nonce,
        longest=redeemed.longest,
        refresh_token=refresh.token(key, redeemed.session.id, redeemed.number), client_info=form.client_info,
    )  # fmt: skip
    if isinstance(issued, Refused):
        raise _Undo(issued, redeemed)
    detail = {**redeemed.detail, "jti": issued.jti, "ends": issued.expires}
    entry = Entry(
        Kind(redeemed.kind), target=f"session:{redeemed.session.id}", story=redeemed.session.story, detail=detail
    )
    await record(tx, visit, entry)
    return replace(issued, told=redeemed.told) if redeemed.told else issued


async def _tell(house: House, visit: Visit, undone: _Undo) -> Refused:
    """What was undone left no entry either: its story hears of the refusal in a transaction of its own."""
    refused, user = undone.refused, undone.redeemed.session.user
    kind = _REFUSED.get(undone.redeemed.kind, Kind.CLIENT_REFUSED)
    detail: dict[str, object] = {"reason": refused.reason.value, "rules": [], "user": user}
    entry = Entry(kind, target=f"user:{user}", story=refused.reference, detail=detail)
    return await house.store.write(lambda tx: note(house, tx, visit, refused, entry))


async def _after(house: House, visit: Visit, form: TokenForm, answer: Issued | Refused) -> Issued | Refused:
    """After the commit: a poll that is not ready goes (back) to the waiting room; strangers' refusals are counted."""
    if not isinstance(answer, Refused):
        if form.device_code:
            house.room.codes.gave_tokens(digest(form.device_code))
        return answer
    if answer.reason is Reason.PENDING:
        await _wait(house, visit, form)
    elif answer.reason is Reason.EXEMPTION_AWAITED:
        await _wait_for_exemption(house, visit, form, answer)
    elif about_bound(answer):
        return await note_wrong_key(house, visit, answer, client=form.client.name)
    elif not answer.reference and answer.reason not in _COMES_AND_GOES:
        return await refuse(house, visit, Kind.CLIENT_REFUSED, answer, client=form.client.name)
    return answer


async def _wait(house: House, visit: Visit, form: TokenForm) -> None:
    """A pending sign-in that this node did not know: look it up once, remember it."""
    secret = digest(form.device_code)
    house.room.wake(secret)  # its key may just have been fixed

    async def body(tx: Tx) -> None:
        signin = await signin_rows.by_device_code(tx, secret)
        if signin is not None and signin.standing(visit.now) in _UNDECIDED:  # else nobody would wake it
            house.room.admit(
                secret, client=signin.client, source=source_of(signin.requester_address), ends=signin.ends,
                interval=house.settings.poll_interval, bound=signin.bound,
            )  # fmt: skip

    await house.store.read(body)


async def _wait_for_exemption(house: House, visit: Visit, form: TokenForm, answer: Refused) -> None:
    """The room may give *answer* again; the look after it was told so sees what was decided meanwhile."""
    secret = digest(form.device_code)

    async def find(tx: Tx) -> SignIn | None:
        return await signin_rows.by_device_code(tx, secret)

    signin = await house.store.read(find)
    if signin is None or signin.exemption is None or signin.state is not State.AWAITING_EXEMPTION:
        return
    awaits = Awaits(signin.exemption, signin.ends, answer)
    interval = house.settings.poll_interval
    house.room.admit_awaiting(
        secret, awaits, client=signin.client, now=visit.now, interval=interval, bound=signin.bound
    )  # fmt: skip
    again = await house.store.read(find)
    if again is None or again.state is not State.AWAITING_EXEMPTION:
        house.room.wake(secret)
