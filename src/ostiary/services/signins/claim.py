"""
A signed-in person types a code (R10, R11): sign-in first, code second, and the code is theirs from then on.

Wrong, unknown, expired and used are one answer. Who is blocked does not claim: the page explains and the code stays.
"""

from dataclasses import dataclass, field, replace

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application, Scope
from ostiary.core.directory.credentials import source_of
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import same_device, user_code
from ostiary.core.signins.drill import Drill
from ostiary.core.signins.request_binding import awaited
from ostiary.core.signins.signin import OPEN, SignIn, State, comes_back
from ostiary.core.signins.view import Claimed, KnownDevice
from ostiary.core.tokens import scopes
from ostiary.core.tokens.browser import BROWSER, alive
from ostiary.core.tokens.still_allowed import still_reached
from ostiary.core.words.digests import keyed
from ostiary.core.words.ids import AppId, SessionId, SignInId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.access.gather import Ask, Gathered, Side, age, device_ask, gather, told
from ostiary.services.devices.proved import browser_of
from ostiary.services.directory.throttle import locked
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.around import around
from ostiary.services.signins.askable import askable, form_for, next_step
from ostiary.services.signins.closing import close
from ostiary.services.signins.crowding import barred
from ostiary.services.signins.drills import typed as typed_drill
from ostiary.services.signins.guessing import WRONG, held_up, wrong
from ostiary.services.signins.prompts import prompted, worn_out
from ostiary.services.signins.refusals import note
from ostiary.services.signins.start import USER_CODES
from ostiary.store import Tx, devices, drills, sessions
from ostiary.store import signins as rows


async def claim(house: House, visit: Visit, typed: str, handed: str = "") -> Claimed | Refused:
    """
    Take the sign-in whose code was *typed* (case, dashes and spaces forgiven). *handed* is what this browser got when
    another account gave a code back.

    Reasons: NOT_SIGNED_IN, CODE_ENTRY_LOCKED, BAD_CODE, TOO_MANY_PROMPTS, BLOCKED, REPORTED, NO_CONSENT, SAME_DEVICE,
    DEVICE_ENDED.
    """
    user = visit.caller.user
    if user is None or visit.caller.session is None:
        return Refused(Reason.NOT_SIGNED_IN)
    holder = _Holder(user, visit.caller.session, handed)
    codes = _digests(house, user_code.normal(typed))

    async def body(tx: Tx, picture: Picture) -> tuple[Claimed | Refused, bytes | None]:
        refused = await held_up(tx, visit, user)
        if refused is not None:
            return refused, None
        found, drill = await _find(tx, codes), await _drill(tx, codes)
        if found is None:
            page = await typed_drill(tx, visit, picture, drill, user, holder.browser)
            return page or await wrong(tx, visit, user, None), None
        signin, device_code = found
        return await _take(house, tx, visit, picture, signin, holder), device_code

    answer, device_code = await settled(house, body)
    if isinstance(answer, Refused) and device_code is not None:
        house.room.wake(device_code)  # a second person may have ended it
    return answer


async def view(house: House, visit: Visit, id: SignInId) -> Claimed | Refused:
    """The claimed sign-in *id* again, for the browser session that holds it."""

    async def body(tx: Tx, picture: Picture) -> Claimed | Refused:
        found = await rows.by_id(tx, id)
        user = visit.caller.user
        if user is None or found is None or not (held(found[0], visit) or once_more(found[0], visit)):
            return WRONG
        ask = await browser_ask(tx, picture, visit, found[0], user)
        gathered = await gather(tx, picture, ask, visit.now)
        page = await shown(tx, visit, picture, found[0], user)
        if gathered is None or page is None:
            return WRONG
        if allowed(gathered):
            return replace(page, awaited=awaited(page.application, page.signin, gathered.decision))
        if page.signin.state is State.AWAITING_EXEMPTION:
            return WRONG  # nothing to decide yet
        supposed = await askable(tx, visit, picture, page.signin, ask)
        if supposed is None:
            return replace(page, awaited=awaited(page.application, page.signin, gathered.decision))
        asking = await form_for(tx, visit, picture, page.signin, ask, gathered)
        data = awaited(page.application, page.signin, supposed.decision)
        return replace(page, awaited=data, asking=asking)

    return await settled(house, body, write=False)


def _digests(house: House, normal: str) -> tuple[bytes, ...]:
    """What a code may be kept as: one that was shown before the master key changed is still taken (R17)."""
    return tuple(keyed(key, normal) for key in house.vault.derived_each(USER_CODES))


async def _find(tx: Tx, codes: tuple[bytes, ...]) -> tuple[SignIn, bytes] | None:
    """Step: the sign-in that any of *codes* belongs to; every one is looked up, whichever is found."""
    found = [await rows.by_user_code(tx, code) for code in codes]
    return next((each for each in found if each is not None), None)


async def _drill(tx: Tx, codes: tuple[bytes, ...]) -> Drill | None:
    """Step: the drill that any of *codes* belongs to (M13); looked for whatever else is found, for time tells too."""
    found = [await drills.by_user_code(tx, code) for code in codes]
    return next((each for each in found if each is not None), None)


def held(signin: SignIn, visit: Visit) -> bool:
    """Whether *signin* is claimed, in time, by the person and browser session of *visit*."""
    return (
        signin.standing(visit.now) is State.CLAIMED
        and signin.user == visit.caller.user
        and signin.browser is not None
        and signin.browser == visit.caller.session
    )


def once_more(signin: SignIn, visit: Visit) -> bool:
    """Whether *signin* waits for an exemption of the person of *visit*, who may consent again in any session (R5)."""
    waits = signin.standing(visit.now) is State.AWAITING_EXEMPTION
    return waits and visit.caller.session is not None and signin.user == visit.caller.user


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who types, in which session, and what the browser kept of an earlier account (R11)."""

    user: UserId
    browser: SessionId
    handed: str = field(repr=False)


async def _take(
    house: House, tx: Tx, visit: Visit, picture: Picture, signin: SignIn, holder: _Holder
) -> Claimed | Refused:
    user, state = holder.user, signin.standing(visit.now)
    back = state is State.ISSUED and comes_back(signin, holder.handed)
    if signin.user not in (None, user) and state is not State.EXPIRED and not back:
        return await _second_person(tx, visit, signin, user)
    if state is State.CLAIMED and held(signin, visit):
        return await shown(tx, visit, picture, signin, user) or await wrong(tx, visit, user, signin)
    left = state is State.CLAIMED and not await _holds_still(tx, signin, visit.now)
    free = left or (state is State.ISSUED and (back or signin.handed is None))
    if not free or signin.named not in (None, user):
        return await wrong(tx, visit, user, signin)
    return await _judged(house, tx, visit, picture, signin, holder)


async def _holds_still(tx: Tx, signin: SignIn, now: Instant) -> bool:
    """Step: whether the session that claimed is alive; if not, the same person may claim in another."""
    found = await sessions.by_id(tx, signin.browser) if signin.browser is not None else None
    return found is not None and alive(*found, kind=BROWSER, now=now)


async def _judged(
    house: House, tx: Tx, visit: Visit, picture: Picture, signin: SignIn, holder: _Holder
) -> Claimed | Refused:
    """The code is right and free: may this person take it?"""
    user = holder.user
    if picture.switch.stops(signin.created):
        return await _refuse(house, tx, visit, signin, Refused(Reason.KILLED, reference=signin.id))
    tired = await worn_out(tx, visit, user, signin)
    if tired is not None:
        return await _refuse(house, tx, visit, signin, tired)
    shuns = await locked(tx, shunned(user, signin), visit.now) is not None
    if shuns or await barred(tx, visit, signin.requester_address):
        return await _refuse(house, tx, visit, signin, Refused(Reason.REPORTED))
    ask = await browser_ask(tx, picture, visit, signin, user)
    gathered = await gather(tx, picture, ask, visit.now)
    if gathered is None or (not allowed(gathered) and await askable(tx, visit, picture, signin, ask) is None):
        refused = replace(blocked(signin, gathered), detail=await next_step(tx, visit, picture, signin, ask))
        return await _refuse(house, tx, visit, signin, refused, gathered)
    if _beside(visit, picture, signin):
        return await _refuse(house, tx, visit, signin, Refused(Reason.SAME_DEVICE, reference=signin.id), gathered)
    signin = replace(signin, reach=_reach(picture, signin))
    page = await shown(tx, visit, picture, signin, user)
    if page is None or not await rows.claim(tx, signin, user=user, browser=holder.browser, now=visit.now):
        return await wrong(tx, visit, user, signin)
    detail = {"user": user, "user_name": gathered.user.principal_name, **told(gathered)}
    detail["oddities"] = page.around.tags()
    await prompted(tx, visit, user, signin, house.settings.limits)
    await record(tx, visit, Entry(Kind.CLAIMED, target=f"user:{user}", story=signin.id, detail=detail))
    return page


def _beside(visit: Visit, picture: Picture, signin: SignIn) -> bool:
    """Whether the registration refuses codes that are approved where they were made."""
    application = picture.applications.get(signin.client)
    return application is not None and same_device.refused(application, signin, visit.address)


async def browser_ask(tx: Tx, picture: Picture, visit: Visit, signin: SignIn, user: UserId) -> Ask:
    """Step: *signin* as policy sees it while its person is at the page."""
    proof_age = age(visit.caller.authenticated_at, visit.now)
    person = Side.at(visit.address, visit.agent, await browser_of(tx, visit, picture.built_in))
    return device_ask(user, signin, amr=visit.caller.amr, person=person, proof_age=proof_age)


def allowed(gathered: Gathered) -> bool:
    """
    Whether a device sign-in may go on: policy allows (or wants what the person can still prove), an exemption admits
    it, and the machine that asked still counts, where it proved to be one of the inventory.
    """
    open_ = gathered.exemption is not None and not gathered.lost
    return gathered.user.enabled and open_ and gathered.decision.outcome is not Outcome.BLOCKED


def blocked(signin: SignIn, gathered: Gathered | None) -> Refused:
    """The refusal that names the rules."""
    rules = gathered.decision.rules if gathered is not None else ()
    if gathered is not None and gathered.lost:
        return Refused(Reason.DEVICE_ENDED, reference=signin.id)
    reason = Reason.BLOCKED if gathered is None or gathered.assigned else Reason.NOT_ASSIGNED
    return Refused(reason, rules=rules, reference=signin.id)


async def shown(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, user: UserId) -> Claimed | None:
    """Step: what the page shows; None when client or resource are gone meanwhile."""
    application, resource = picture.applications.get(signin.client), picture.applications.get(signin.resource)
    if application is None or resource is None:
        return None
    names, openid, _ = scopes.split(signin.scopes)
    reach = still_reached(picture, application, signin.reach, device=True)
    return Claimed(
        signin,
        application,
        resource,
        tuple(scope for scope in resource.scopes if scope.value in names),
        tuple(_reached(picture.applications[id], values) for id, values in reach.items()),
        "offline_access" in openid,
        await around(tx, visit, picture, signin, user),
        await _known(tx, visit, signin),
    )


async def _known(tx: Tx, visit: Visit, signin: SignIn) -> KnownDevice | None:
    """Step: the machine, where it proved to be one of the inventory."""
    found = await devices.listed(tx, signin.device) if signin.device is not None else None
    if found is None or not found.device.counts(visit.now):
        return None
    device = found.device
    own = device.owner is not None and device.owner == visit.caller.user
    return KnownDevice(device.name, found.owner_name, own, device.managed, device.complies(visit.now))


def _reach(picture: Picture, signin: SignIn) -> dict[AppId, tuple[str, ...]]:
    """What refreshes may name later, by the registration of now: nothing without any refresh."""
    application = picture.applications.get(signin.client)
    offline = "offline_access" in signin.scopes
    return scopes.reach(picture, application, device=True) if application is not None and offline else {}


def _reached(resource: Application, values: tuple[str, ...]) -> tuple[Application, tuple[Scope, ...]]:
    return resource, tuple(scope for scope in resource.scopes if scope.value in values)


def shunned(user: UserId, signin: SignIn) -> str:
    """The throttle's subject for "this requester was reported by this person" (R11)."""
    return shunned_source(user, source_of(signin.requester_address))


def shunned_source(user: UserId, source: str) -> str:
    """The same by the requester's *source*."""
    return f"reported:{user}:{source}"


async def _refuse(
    house: House, tx: Tx, visit: Visit, signin: SignIn, refused: Refused, gathered: Gathered | None = None
) -> Refused:
    """Step: written down, with a bound: the code stays, and can be typed again at will (R21)."""
    detail = {
        "user": visit.caller.id,
        "reason": refused.reason.value,
        "rules": list(refused.rules),
        **told(gathered),
    }
    kind = Kind.BLOCKED if refused.reason is Reason.BLOCKED else Kind.CLAIM_REFUSED
    entry = Entry(kind, target=f"user:{visit.caller.id}", story=signin.id, detail=detail)
    return await note(house, tx, visit, refused, entry)


async def _second_person(tx: Tx, visit: Visit, signin: SignIn, user: UserId) -> Refused:
    """
    R11: somebody else types a code that was claimed, be it given back by now in another browser. Before redemption that
    ends the sign-in, and takes back what was asked for with it; it always alerts.
    """
    ended = signin.standing(visit.now) in OPEN and await close(tx, visit, signin, State.DENIED, EndCause.DOUBTED)
    await alert(
        tx, visit, about="two people, one code", target=f"user:{user}", story=signin.id,
        text=f"A second person typed a code that {signin.user} had claimed." + (" It was ended." if ended else ""),
    )  # fmt: skip
    return await wrong(tx, visit, user, signin)
