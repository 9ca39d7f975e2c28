"""
The requester brings the number that the person was shown (R12): one try, from the holder of the device code.
"""

from dataclasses import dataclass, field

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import number
from ostiary.core.signins.awaiting import waits_until
from ostiary.core.signins.signin import SignIn, State, ready_until
from ostiary.core.tokens.binding import complaint, judge_key
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Span, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate, spend
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.closing import close
from ostiary.services.signins.redeem import find
from ostiary.services.signins.refusals import refuse
from ostiary.store import Tx, requests
from ostiary.store import signins as rows

_ELSE = {
    State.ISSUED: Reason.PENDING,
    State.CLAIMED: Reason.PENDING,
    State.DENIED: Reason.DENIED,
    State.REPORTED: Reason.DENIED,
    State.EXPIRED: Reason.CODE_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Form:
    """What was posted."""

    client: Shown
    device_code: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The number was right: the next poll redeems, for so long."""

    left: Span


async def confirm(house: House, visit: Visit, form: Form) -> Confirmed | Refused:
    """
    Compare the number with the one of the consent.

    Reasons: those of `authenticate` and `complaint`, INVALID_REQUEST, BAD_CODE, PENDING, DENIED, CODE_EXPIRED,
    WRONG_NUMBER.
    """
    if not number.well_formed(form.number):
        return Refused(Reason.INVALID_REQUEST, "The number is two digits.", field="number")
    keys = tuple(house.vault.derived_each(number.KEY))
    code = digest(form.device_code)

    async def body(tx: Tx, picture: Picture) -> Confirmed | Refused:
        client = authenticate(house, picture, form.client, visit.now)
        if isinstance(client, Refused):
            return client
        signin = await find(tx, client, code)
        if signin is None:
            return Refused(Reason.BAD_CODE)
        held = judge_key(signin.bound, visit.proof, client)
        wrong = complaint(held, visit.proof, client, reference=signin.id)
        if wrong is not None:
            return wrong  # R12: with the key of the code; its one try stays
        return await _judge(tx, visit, client, signin, right=number.fits(keys, signin, form.number))

    used = await spend(house, visit, form.client)
    answer = await settled(house, body) if used is None else used
    if isinstance(answer, Refused) and not answer.reference:  # nobody knows who asked: bounded (R21)
        return await refuse(house, visit, Kind.CLIENT_REFUSED, answer, client=form.client.name)
    return answer


async def _judge(tx: Tx, visit: Visit, client: Application, signin: SignIn, *, right: bool) -> Confirmed | Refused:
    state = signin.standing(visit.now)
    done = state in (State.READY, State.AWAITING_EXEMPTION) and signin.number is not None
    if done and right:  # the answer was lost: told again
        return Confirmed(between(visit.now, signin.ends))
    if state is not State.AWAITING_NUMBER:
        return Refused(_ELSE.get(state, Reason.BAD_CODE), reference=signin.id)
    return await _right(tx, visit, client, signin) if right else await _wrong(tx, visit, signin)


async def _right(tx: Tx, visit: Visit, client: Application, signin: SignIn) -> Confirmed | Refused:
    """Ready, unless the exemption that was asked for with the consent is still to be granted (R5)."""
    asked = signin.exemption if signin.asked is not None else None
    request = await requests.find(tx, asked) if asked is not None else None
    awaits = request is not None and request.open(visit.now)
    ends = ready_until(visit.now)
    if request is not None and awaits:
        ends = waits_until(signin, request.ends, client.code_lifetime)
    if not await rows.confirm(tx, signin, ends=ends, awaits=awaits, now=visit.now):
        return Refused(Reason.BAD_CODE, reference=signin.id)
    detail = {"user": signin.user or "", "client": signin.client}
    await record(tx, visit, Entry(Kind.NUMBER_CONFIRMED, target=f"user:{signin.user}", story=signin.id, detail=detail))
    return Confirmed(Span(max(0, between(visit.now, ends))))


async def _wrong(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """The one try was spent: either a slip, or somebody who does not see the page."""
    if not await close(tx, visit, signin, State.DENIED, EndCause.DOUBTED, at_page=False):
        return Refused(Reason.BAD_CODE, reference=signin.id)
    detail = {"user": signin.user or "", "client": signin.client}
    await record(tx, visit, Entry(Kind.NUMBER_WRONG, target=f"user:{signin.user}", story=signin.id, detail=detail))
    await alert(
        tx, visit, about="wrong number", target=f"user:{signin.user}", story=signin.id,
        text=f"A sign-in that was approved was not confirmed: {visit.address or 'the machine'} sent a wrong number.",
    )  # fmt: skip
    return Refused(Reason.WRONG_NUMBER, reference=signin.id)
