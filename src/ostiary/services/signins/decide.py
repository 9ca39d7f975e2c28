"""
The person decides (R5, R11): approve with fresh proof, deny, *I did not start this*, or hand it to another account.

Every way is a compare-and-swap from the state that the page showed. After the commit the waiting room is woken, so that
the next poll asks the store.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ostiary.core.access.picture import Picture
from ostiary.core.directory.credentials import source_of
from ostiary.core.directory.permissions import FRESH
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import number, same_device
from ostiary.core.signins.request_binding import awaited, lacking
from ostiary.core.signins.signin import ACCOUNT_CHANGES, DECIDED, OPEN, SHUNNED, SignIn, State, ready_until
from ostiary.core.signins.view import Approved, Closed, Decided, Handed
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SignInId, UserId
from ostiary.core.words.instants import after, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.access.gather import Gathered, gather, told
from ostiary.services.directory.throttle import locked, strike
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.around import around
from ostiary.services.signins.claim import allowed, blocked, browser_ask, held, shunned
from ostiary.services.signins.prompts import turned_down
from ostiary.services.signins.refusals import note
from ostiary.store import Tx, exemptions
from ostiary.store import signins as rows
from ostiary.store import tokens as sessions

T = TypeVar("T")

NOT_YOURS = Refused(Reason.WRONG_STATE)


async def approve(house: House, visit: Visit, id: SignInId) -> Approved | Refused:
    """
    Yes, with MFA not older than five minutes. Reasons: WRONG_STATE, MFA_REQUIRED, MFA_STALE, BLOCKED, REPORTED,
    SAME_DEVICE, DEVICE_ENDED, BINDING_REQUIRED.
    """
    caller = visit.caller
    if not caller.mfa or caller.authenticated_at is None:
        return Refused(Reason.MFA_REQUIRED)
    if between(caller.authenticated_at, visit.now) > FRESH:
        return Refused(Reason.MFA_STALE)
    authenticated = caller.authenticated_at
    shown, key = house.random.letters(number.DIGITS, number.LENGTH), house.vault.derived(number.KEY)

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Approved | Refused:
        application = picture.applications.get(signin.client)
        user = caller.user
        if application is None or user is None or not held(signin, visit):
            return NOT_YOURS
        if picture.switch.stops(signin.created):
            return await _killed(tx, visit, signin)
        if await locked(tx, shunned(user, signin), visit.now) is not None:
            return await _shun(tx, visit, signin)
        if same_device.refused(application, signin, visit.address):
            return Refused(Reason.SAME_DEVICE, reference=signin.id)
        ask = await browser_ask(tx, picture, visit, signin, user)
        found = await gather(tx, picture, ask, visit.now)
        if found is not None and awaited(application, signin, found.decision):
            return Refused(Reason.BINDING_REQUIRED, reference=signin.id)
        gathered = await _judge(house, tx, visit, signin, user, found)
        if isinstance(gathered, Refused):
            return gathered
        known, exemption = gathered
        asked = number.wanted(application, known.decision)
        said = signin.declared
        if (asked and not said.number) or lacking(application, said):  # the registration changed since it was started
            return Refused(Reason.BLOCKED, reference=signin.id)
        ends = after(visit.now, number.ASKED_FOR) if asked else ready_until(visit.now)
        swapped = await rows.approve(
            tx, signin, ends=ends, authenticated=authenticated, amr=caller.amr, exemption=exemption.id,
            address=visit.address, agent=visit.agent, number=number.kept(key, signin, shown) if asked else None,
            device=ask.person.device, passkey=ask.person.passkey, now=visit.now,
        )  # fmt: skip
        if not swapped:
            return NOT_YOURS
        odd = (await around(tx, visit, picture, signin, user)).tags()
        await record(tx, visit, _approval(signin, visit, *gathered, {"oddities": odd, "number": asked}))
        return Approved(signin, application, exemption.begun(visit.now).ends, shown if asked else "")

    return await on_sign_in(house, id, body)


async def _shun(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """Step: this person reported the requester after they had typed the code (R11): it ends as the other did."""
    await close(tx, visit, signin, State.REPORTED)
    detail = {"user": visit.caller.id, "reason": Reason.REPORTED.value, "rules": []}
    entry = Entry(Kind.CLAIM_REFUSED, target=f"user:{visit.caller.id}", story=signin.id, detail=detail)
    await record(tx, visit, entry)
    return Refused(Reason.REPORTED, reference=signin.id)


async def _killed(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """Step: the kill switch was turned on since it began: the sign-in ends."""
    await close(tx, visit, signin, State.DENIED)
    detail = {"user": visit.caller.id, "rules": [], "policies": [], "reason": Reason.KILLED.value}
    await record(tx, visit, Entry(Kind.BLOCKED, target=f"user:{visit.caller.id}", story=signin.id, detail=detail))
    return Refused(Reason.KILLED, reference=signin.id)


async def _judge(
    house: House, tx: Tx, visit: Visit, signin: SignIn, user: UserId, gathered: Gathered | None
) -> tuple[Gathered, Exemption] | Refused:
    """Step: whether policy lets them, as it is *gathered* now; a block is written down, the sign-in stays claimed."""
    passes = gathered is not None and allowed(gathered) and gathered.decision.may_consent
    if passes and gathered is not None and gathered.exemption is not None:
        return gathered, gathered.exemption
    refused = blocked(signin, gathered)
    detail = {"user": user, "rules": list(refused.rules), "reason": refused.reason.value, **told(gathered)}
    entry = Entry(Kind.BLOCKED, target=f"user:{user}", story=signin.id, detail=detail)
    return await note(house, tx, visit, refused, entry)


def _approval(signin: SignIn, visit: Visit, gathered: Gathered, exemption: Exemption, more: dict[str, Any]) -> Entry:
    detail = {
        "user": gathered.user.id,
        "user_name": gathered.user.principal_name,
        "exemption": exemption.id,
        **told(gathered),
        "amr": list(visit.caller.amr),
        **more,
    }
    return Entry(Kind.APPROVED, target=f"user:{gathered.user.id}", story=signin.id, detail=detail)


async def deny(house: House, visit: Visit, id: SignInId) -> Closed | Refused:
    """No. Reasons: WRONG_STATE."""

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Closed | Refused:
        user = visit.caller.user
        if user is None or not held(signin, visit) or not await close(tx, visit, signin, State.DENIED):
            return NOT_YOURS
        await turned_down(tx, visit, user, signin, house.settings.limits)
        await record(tx, visit, Entry(Kind.DENIED, target=f"user:{visit.caller.id}", story=signin.id))
        return Closed(signin, picture.applications.get(signin.client))

    return await on_sign_in(house, id, body)


async def report(house: House, visit: Visit, id: SignInId) -> Closed | Refused:
    """
    *I did not start this*: ends the sign-in and what it gave, and shuns the requester for this person for an hour.

    What else of the requester this person has at hand and nothing redeemed yet ends with it. Also after it was approved
    or redeemed, by the person whose it was. Reasons: WRONG_STATE.
    """

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Closed | Refused:
        user = visit.caller.user
        if user is None or signin.user != user or signin.state in (State.DENIED, State.REPORTED):
            return NOT_YOURS
        if signin.state in OPEN:
            await close(tx, visit, signin, State.REPORTED)
        if signin.session is not None:
            await sessions.end(tx, signin.session, now=visit.now, cause="reported")
        await strike(tx, shunned(user, signin), SHUNNED, now=visit.now)
        await record(tx, visit, Entry(Kind.REPORTED, target=f"user:{user}", story=signin.id))
        await turned_down(tx, visit, user, signin, house.settings.limits)
        await alert(
            tx, visit, about="not started by the person", target=f"user:{user}", story=signin.id,
            text=f"{visit.caller.name} says that they did not start a sign-in from {signin.requester_address}.",
        )  # fmt: skip
        return Closed(signin, picture.applications.get(signin.client), await _others(tx, visit, signin, user))

    answer = await on_sign_in(house, id, body)
    for device_code in answer.others if isinstance(answer, Closed) else ():
        house.room.wake(device_code)
    return answer


async def _others(tx: Tx, visit: Visit, signin: SignIn, user: UserId) -> tuple[bytes, ...]:
    """Step: what is open from the same requester ends as well: it is shunned from now on (R11)."""
    source, ended = source_of(signin.requester_address), []
    for other, device_code in await rows.others_open(tx, signin, user, visit.now):
        same_source = source_of(other.requester_address) == source
        if same_source and await close(tx, visit, other, State.REPORTED):
            detail = {"with": signin.id}
            await record(tx, visit, Entry(Kind.REPORTED, target=f"user:{user}", story=other.id, detail=detail))
            ended.append(device_code)
    return tuple(ended)


async def change_account(house: House, visit: Visit, id: SignInId) -> Handed | Refused:
    """
    Give the code back, so that another account of this person can claim it: twice, before consenting, and only in the
    browser that keeps the value that comes with it. Logged (R11).
    """
    value = house.random.token()

    async def body(tx: Tx, _: Picture, signin: SignIn) -> Handed | Refused:
        if not held(signin, visit) or signin.changes >= ACCOUNT_CHANGES:
            return NOT_YOURS
        if not await rows.release(tx, signin, handed=digest(value), now=visit.now):
            return NOT_YOURS
        detail = {"changes": signin.changes + 1}
        await record(tx, visit, Entry(Kind.RELEASED, target=f"user:{visit.caller.id}", story=signin.id, detail=detail))
        return Handed(signin, value)

    return await on_sign_in(house, id, body)


async def decided(house: House, visit: Visit, id: SignInId) -> Decided | Refused:
    """What the browser session that held *id* decided, so that reloading tells it again. Reasons: WRONG_STATE."""
    keys = tuple(house.vault.derived_each(number.KEY))

    async def body(tx: Tx, picture: Picture) -> Decided | Refused:
        row = await rows.by_id(tx, id)
        if row is None:
            return NOT_YOURS
        signin, caller = row[0], visit.caller
        state = signin.standing(visit.now)
        mine = caller.user is not None and (signin.user, signin.browser) == (caller.user, caller.session)
        if not mine or state not in DECIDED:
            return NOT_YOURS
        window = await exemptions.show(tx, signin.exemption) if signin.exemption else None
        ends = window.exemption.begun(visit.now).ends if window else None
        again = number.told_again(keys, signin) if state is State.AWAITING_NUMBER else ""
        return Decided(signin, picture.applications.get(signin.client), state, ends, again)

    return await settled(house, body, write=False)


async def close(tx: Tx, visit: Visit, signin: SignIn, state: State) -> bool:
    """Step: end it, by who is at the page."""
    return await rows.close(tx, signin, state, address=visit.address, agent=visit.agent, now=visit.now)


async def on_sign_in(
    house: House, id: SignInId, body: Callable[[Tx, Picture, SignIn], Coroutine[Any, Any, T | Refused]]
) -> T | Refused:
    """Find the sign-in, run *body* on it, and wake the room after the commit."""

    async def found(tx: Tx, picture: Picture) -> tuple[T | Refused, bytes | None]:
        row = await rows.by_id(tx, id)
        if row is None:
            return NOT_YOURS, None
        return await body(tx, picture, row[0]), row[1]

    answer, device_code = await settled(house, found)
    if device_code is not None:
        house.room.wake(device_code)
    return answer
