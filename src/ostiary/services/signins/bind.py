"""
The person types what the request is bound to (RFC 10027 M17): before they can approve, and before they are shown what
the requester says of itself.
"""

from collections.abc import Mapping

from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.request_binding import TRIES, Datum, awaited, fits, normal
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.ids import SignInId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import counted
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import gather
from ostiary.services.directory.throttle import strike
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.claim import browser_ask, held
from ostiary.services.signins.closing import close
from ostiary.services.signins.consent import NOT_YOURS
from ostiary.services.signins.decide import on_sign_in
from ostiary.services.signins.prompts import turned_down
from ostiary.store import Tx
from ostiary.store import signins as rows

__all__ = ["bind"]


async def bind(house: House, visit: Visit, id: SignInId, typed: Mapping[Datum, str]) -> SignIn | Refused:
    """
    Compare what was *typed* with what the requester said. All that is awaited must be right, and which of it was wrong
    is not told. The third wrong try ends the sign-in; nothing typed is none.

    Reasons: WRONG_STATE, INVALID_VALUE, WRONG_BINDING (with how many tries are left; none: it has ended).
    """

    async def body(tx: Tx, picture: Picture, signin: SignIn) -> SignIn | Refused:
        application, user = picture.applications.get(signin.client), visit.caller.user
        if application is None or user is None or not held(signin, visit):
            return NOT_YOURS
        gathered = await gather(tx, picture, await browser_ask(tx, picture, visit, signin, user), visit.now)
        data = awaited(application, signin, gathered.decision) if gathered is not None else ()
        if not data:
            return signin
        answers = {datum: typed.get(datum, "") for datum in data}
        empty = next((datum for datum, answer in answers.items() if not normal(answer)), None)
        if empty is not None:
            return Refused(Reason.INVALID_VALUE, "Type it here, with its letters and digits.", field=empty)
        right = [fits(signin.declared, datum, answer) for datum, answer in answers.items()]
        if all(right):
            return await _bound(tx, visit, signin, data)
        refused = await _wrong(tx, visit, signin, data)
        if not refused.field and refused.reason is Reason.WRONG_BINDING:
            await turned_down(tx, visit, user, signin, house.settings.limits)
        return refused

    return await on_sign_in(house, id, body)


async def _bound(tx: Tx, visit: Visit, signin: SignIn, data: tuple[Datum, ...]) -> SignIn | Refused:
    matched = tuple(dict.fromkeys((*signin.matched, *data)))
    if not await rows.match(tx, signin, matched=matched, now=visit.now):
        return NOT_YOURS
    said = {datum.value: tame(str(getattr(signin.declared, datum))) for datum in data}
    await record(tx, visit, _entry(Kind.BOUND, visit, signin, data, said))
    return signin


async def _wrong(tx: Tx, visit: Visit, signin: SignIn, data: tuple[Datum, ...]) -> Refused:
    """Counted for the sign-in, whoever holds it; what was typed is kept nowhere, it may be anything."""
    one = await strike(tx, f"binding:{signin.id}", TRIES, now=visit.now)
    left = TRIES.limit - one.count
    if left > 0:
        await record(tx, visit, _entry(Kind.BINDING_WRONG, visit, signin, data, {"count": one.count}))
        return Refused(Reason.WRONG_BINDING, _left(left), field=data[0])
    if not await close(tx, visit, signin, State.DENIED, EndCause.DOUBTED):
        return NOT_YOURS
    await record(tx, visit, _entry(Kind.BINDING_FAILED, visit, signin, data, {"count": one.count}))
    await alert(
        tx, visit, about="wrong binding", target=f"user:{visit.caller.id}", story=signin.id,
        text=f"{visit.caller.name} did not know what a sign-in from {signin.requester_address} was bound to. It was "
        "ended.",
    )  # fmt: skip
    return Refused(Reason.WRONG_BINDING, "That was the last try. The sign-in has ended.")


def _left(count: int) -> str:
    return counted(
        "That is not what the machine said. There is one more try; then this sign-in ends.",
        "That is not what the machine said. There are %(count)s more tries; then this sign-in ends.",
        count,
    )


def _entry(kind: Kind, visit: Visit, signin: SignIn, data: tuple[Datum, ...], more: Mapping[str, object]) -> Entry:
    detail = {"user": visit.caller.id, "client": signin.client, "data": list(data), **more}
    return Entry(kind, target=f"user:{visit.caller.id}", story=signin.id, detail=detail)
