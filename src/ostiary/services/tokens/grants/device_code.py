"""
The device code grant (RFC 8628 §3.4): an approved sign-in becomes a session.

First use of an exemption is the redemption, in this transaction; a failed redemption starts no clock (R5).
"""

from collections.abc import Mapping
from dataclasses import replace

from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.signin import OPEN, SignIn, State
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import Held, complaint, fixed, judge_key
from ostiary.core.tokens.pkce import fits
from ostiary.core.tokens.session import Session, SessionKind, alive
from ostiary.core.tokens.still_allowed import still_allowed, still_reached
from ostiary.core.words.caller import Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Bound
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import told
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.awaiting import approvers, told_of_request
from ostiary.services.signins.redeem import (
    Passed,
    Stopped,
    close,
    early,
    find,
    judge,
    not_ready,
    on_its_device,
    person_of,
)
from ostiary.services.signins.redeem import redeem as take
from ostiary.services.signins.refusals import note
from ostiary.services.tokens.grants.grant import Redeemed, Request
from ostiary.services.tokens.on_devices import used_device
from ostiary.store import Tx, requests
from ostiary.store import tokens as sessions
from ostiary.store.signins import bind, by_id

GRANT_TYPES: tuple[str, ...] = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")
"""RFC 8628 §3.4, and the short name that Microsoft's clients send."""

PARAMETERS: tuple[str, ...] = ("device_code",)

_QUIET = (Reason.PENDING, Reason.NUMBER_AWAITED, Reason.CODE_EXPIRED, Reason.DENIED, Reason.BAD_CODE)
"""No entry: the story has it already, or nobody knows who asked."""


async def redeem(house: House, tx: Tx, picture: Picture, visit: Visit, request: Request) -> Redeemed | Refused:
    """Give what the person approved."""
    signin = await find(tx, request.client, digest(request.form.device_code))
    if signin is None:
        return Refused(Reason.BAD_CODE)
    held = judge_key(signin.bound, visit.proof, request.client)
    if signin.standing(visit.now) is State.REDEEMED:
        return await _redeemed_before(house, tx, picture, visit, request, signin, held)
    wrong = complaint(held, visit.proof, request.client, reference=signin.id)
    if wrong is not None:
        return wrong
    if held is Held.FIRST and signin.standing(visit.now) in OPEN:
        first = fixed(visit.proof, request.client)
        signin = await _bound(tx, visit, signin, first)
        if signin.bound != first:
            return Refused(Reason.WRONG_KEY, reference=signin.id)
    if signin.standing(visit.now) in OPEN and picture.switch.stops(signin.created):
        return await _refused(house, tx, visit, signin, Refused(Reason.KILLED, reference=signin.id), {})
    answer = not_ready(signin, visit.now)
    if answer is not None:
        return await told_of_request(house, tx, visit, signin, answer) if signin.asked is not None else answer
    allowed = still_allowed(picture, request.client, signin.resource, signin.scopes, device=True)
    if isinstance(allowed, Refused):  # before anything is taken: returning commits
        return await _refused(house, tx, visit, signin, replace(allowed, reference=signin.id), {})
    signin, verifier = await on_its_device(tx, signin), request.form.code_verifier
    passed = await take(tx, picture, visit, signin, session=request.new, verifier=verifier)
    if isinstance(passed, Refused):
        return await _refused(house, tx, visit, signin, passed, {})
    if isinstance(passed, Stopped):
        return await _refused(house, tx, visit, signin, passed.refused, told(passed.gathered))
    session = _session(house, picture, visit, request, passed, scopes.stored(allowed))
    await sessions.add(tx, session)
    await used_device(tx, passed.gathered.machine, visit.now)
    return replace(_redeemed(session, passed, allowed), told=await _approved_by(tx, signin))


async def _approved_by(tx: Tx, signin: SignIn) -> Mapping[str, object]:
    """Step: who let it through, for the client of a sign-in that asked."""
    asked = signin.exemption if signin.asked is not None else None
    request = await requests.find(tx, asked) if asked is not None else None
    return {} if request is None else {"ostiary_request": request.id, "ostiary_approved_by": approvers(request)}


async def _bound(tx: Tx, visit: Visit, signin: SignIn, first: Bound) -> SignIn:
    """Step: *signin* with the key that its first proof fixes (R12); with another one's where that one was first."""
    if not await bind(tx, signin.id, first):
        found = await by_id(tx, signin.id)
        return found[0] if found is not None else signin
    detail = {"client": signin.client, "key": first.jkt or "", "certificate": first.x5t or ""}
    entry = Entry(Kind.KEY_BOUND, target=f"application:{signin.client}", story=signin.id, detail=detail)
    await record(tx, visit, entry)
    return replace(signin, jkt=first.jkt, x5t=first.x5t)


def _session(
    house: House, picture: Picture, visit: Visit, request: Request, passed: Passed, kept: tuple[str, ...]
) -> Session:
    signin, settings = passed.signin, house.settings
    offline, longest = "offline_access" in kept, passed.gathered.decision.limits.session
    return Session(
        id=request.new,
        kind=SessionKind.DEVICE,
        origin=Origin.DEVICE_CODE,
        user=passed.user.id,
        client=signin.client,
        story=signin.id,
        created=visit.now,
        idle_ends=after(visit.now, settings.refresh_idle) if offline else passed.exemption.ends,
        ends=after(visit.now, min(settings.session_longest, longest or settings.session_longest)),
        authenticated=signin.authenticated or Instant(0),
        amr=signin.amr,
        resource=signin.resource,
        scopes=kept,
        reach=still_reached(picture, request.client, signin.reach, device=True) if offline else {},
        exemption=passed.exemption.id,
        requester_address=signin.requester_address,
        approved_from=person_of(signin).kept(),
        jkt=signin.jkt,
        x5t=signin.x5t,
        device=signin.device,
        device_revision=passed.gathered.machine.revision if passed.gathered.machine is not None else None,
    )


def _redeemed(session: Session, passed: Passed, allowed: scopes.Asked) -> Redeemed:
    detail: dict[str, object] = {
        "user": passed.user.id,
        "user_name": passed.user.principal_name,
        "client": session.client,
        "session": session.id,
        "exemption": session.exemption,
        "scopes": list(session.scopes),
        **told(passed.gathered),
    }
    return Redeemed(
        session, passed.user, allowed.resource, allowed.scopes, allowed.openid, allowed.words, passed.exemption.ends, 0,
        Kind.REDEEMED, detail, longest=passed.gathered.decision.limits.access,
    )  # fmt: skip


async def _redeemed_before(
    house: House, tx: Tx, picture: Picture, visit: Visit, request: Request, signin: SignIn, held: Held
) -> Redeemed | Refused:
    """
    R14: the same key that lost the answer gets it again, soon and before any use of it; without a key a duplicate is
    just refused for as long; everything else is a theft.
    """
    if not early(signin, visit.now) or held in (Held.OTHER, Held.UNFIT):
        return await _replayed(tx, visit, signin)
    found = await sessions.standing(tx, signin.session) if signin.session and held is Held.SAME else None
    if found is None:
        return Refused(Reason.BAD_CODE, reference=signin.id)
    session, user, exemption = found
    if session.head != 0 or not house.proofs.unused(session.id, session.created):
        return await _replayed(tx, visit, signin)
    if signin.challenge is not None and not fits(request.form.code_verifier, signin.challenge):
        return await _refused(house, tx, visit, signin, Refused(Reason.BAD_VERIFIER, reference=signin.id), {})
    lives = alive(session, user=user, client=request.client, exemption=exemption, now=visit.now)
    if not lives or user is None or exemption is None:
        return Refused(Reason.SESSION_ENDED, reference=signin.id)
    allowed = still_allowed(picture, request.client, signin.resource, session.scopes, device=True)
    if isinstance(allowed, Refused):
        return replace(allowed, reference=signin.id)
    judged = await judge(tx, picture, visit, replace(signin, device=session.device), user.id)
    if isinstance(judged, Stopped):
        return judged.refused
    return replace(_repeated(session, exemption, judged, allowed), told=await _approved_by(tx, signin))


def _repeated(session: Session, exemption: Exemption, passed: Passed, allowed: scopes.Asked) -> Redeemed:
    """The same session with the same head; the access token is another one."""
    detail = {"user": passed.user.id, "client": session.client, "session": session.id, **told(passed.gathered)}
    return Redeemed(
        session, passed.user, allowed.resource, allowed.scopes, allowed.openid, allowed.words, exemption.ends,
        session.head, Kind.REPEATED, detail, longest=passed.gathered.decision.limits.access,
    )  # fmt: skip


async def _refused(
    house: House, tx: Tx, visit: Visit, signin: SignIn, refused: Refused, known: Mapping[str, object]
) -> Refused:
    """Policy or account said no at the last moment: the requester hears it and stops."""
    if refused.reason in _QUIET:
        return refused
    if refused.reason is not Reason.BAD_VERIFIER:  # a thief's wrong verifier must not end the sign-in
        await close(tx, visit, signin)
    detail = {"reason": refused.reason.value, "rules": list(refused.rules), "user": signin.user or "", **known}
    entry = Entry(Kind.REDEMPTION_REFUSED, target=f"user:{signin.user}", story=signin.id, detail=detail)
    return await note(house, tx, visit, refused, entry)


async def _replayed(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """R14: no duplicate and no lost answer: what the code gave ends, and somebody should look."""
    ended = signin.session is not None and await sessions.end(tx, signin.session, now=visit.now, cause="replayed")
    if ended:
        detail = {"session": signin.session, "user": signin.user or ""}
        await record(
            tx, visit, Entry(Kind.REPLAYED, target=f"session:{signin.session}", story=signin.id, detail=detail)
        )
        await alert(
            tx, visit, about="device code used twice", target=f"user:{signin.user}", story=signin.id,
            text="A device code came again after it had been redeemed; what it gave was ended.",
        )  # fmt: skip
    return Refused(Reason.BAD_CODE, reference=signin.id)
