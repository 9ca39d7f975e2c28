"""
The person decides (R5, R11): approve with fresh proof, deny, *I did not start this*, or hand it to another account.

Every way is a compare-and-swap from the state that the page showed. After the commit the waiting room is woken, so that
the next poll asks the store.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ostiary.core.access.picture import Picture
from ostiary.core.directory.credentials import source_of
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.request import standing
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import number
from ostiary.core.signins.signin import ACCOUNT_CHANGES, DECIDED, OPEN, SHUNNED, SignIn, State
from ostiary.core.signins.view import Approved, Closed, Decided, Handed
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SignInId, UserId
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.directory.throttle import strike
from ostiary.services.exemptions.sign_ins import take_back
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.claim import held, once_more, shunned
from ostiary.services.signins.closing import close
from ostiary.services.signins.consent import NOT_YOURS, at_page, consented, draw, fresh
from ostiary.services.signins.prompts import turned_down
from ostiary.store import Tx, exemptions, requests
from ostiary.store import signins as rows
from ostiary.store import tokens as sessions

T = TypeVar("T")


async def approve(house: House, visit: Visit, id: SignInId) -> Approved | Refused:
    """
    Yes, with MFA not older than five minutes; once more where an approval came too late for the first yes. Reasons:
    WRONG_STATE, MFA_REQUIRED, MFA_STALE, BLOCKED, REPORTED, SAME_DEVICE, DEVICE_ENDED, BINDING_REQUIRED.
    """
    authenticated, drawn = fresh(visit.caller, visit.now), draw(house)
    if isinstance(authenticated, Refused):
        return authenticated

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Approved | Refused:
        if not held(signin, visit) and not once_more(signin, visit):
            return NOT_YOURS
        page = await at_page(tx, visit, picture, signin, authenticated)
        if isinstance(page, Refused):
            return page
        return await consented(house, tx, visit, picture, page, drawn)

    return await on_sign_in(house, id, body)


async def deny(house: House, visit: Visit, id: SignInId) -> Closed | Refused:
    """No; what was asked for with it is taken back. Reasons: WRONG_STATE."""

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> Closed | Refused:
        user, theirs = visit.caller.user, held(signin, visit) or once_more(signin, visit)
        if user is None or not theirs or not await close(tx, visit, signin, State.DENIED, EndCause.RELEASED):
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
        if signin.state not in OPEN or not await close(tx, visit, signin, State.REPORTED, EndCause.REPORTED):
            await take_back(tx, visit, signin, EndCause.REPORTED)  # redeemed, or its time was over
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
        if same_source and await close(tx, visit, other, State.REPORTED, EndCause.REPORTED):
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
        state, asked = signin.standing(visit.now), signin.asked is not None
        mine = caller.user is not None and signin.user == caller.user and (asked or signin.browser == caller.session)
        if not mine or (state not in DECIDED and not asked):
            return NOT_YOURS
        window = await exemptions.show(tx, signin.exemption) if signin.exemption else None
        ends = window.exemption.begun(visit.now).ends if window else None
        same = signin.browser == caller.session
        again = number.told_again(keys, signin) if state is State.AWAITING_NUMBER and same else ""
        request = await requests.show(tx, signin.exemption) if asked and signin.exemption is not None else None
        waits = standing(request.request, request.exemption, visit.now) if request is not None else None
        return Decided(
            signin, picture.applications.get(signin.client), state, ends, again,
            request.request if request is not None else None, waits,
        )  # fmt: skip

    return await settled(house, body, write=False)


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
