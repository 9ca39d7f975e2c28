"""
The person's yes (R5), as steps of the deeds that give it: with an exemption that is open, or asking for one.
"""

from dataclasses import dataclass
from typing import Any

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.permissions import FRESH
from ostiary.core.exemptions.exemption import EndCause, Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import number, same_device
from ostiary.core.signins.request_binding import awaited, lacking
from ostiary.core.signins.signin import SignIn, State, ready_until
from ostiary.core.signins.view import Approved
from ostiary.core.words.caller import Caller
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant, after, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Ask, Gathered, gather, told
from ostiary.services.directory.throttle import locked
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.around import around
from ostiary.services.signins.claim import allowed, blocked, browser_ask, shunned
from ostiary.services.signins.closing import close
from ostiary.services.signins.refusals import note
from ostiary.store import Tx
from ostiary.store import signins as rows

__all__ = ["NOT_YOURS", "AtPage", "Number", "at_page", "consented", "draw", "fresh", "note_block", "yes"]

NOT_YOURS = Refused(Reason.WRONG_STATE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is drawn in case one is asked for, and the key under which it would be kept (R12)."""

    shown: str
    key: bytes


def draw(house: House) -> Number:
    """One for this consent."""
    return Number(house.random.letters(number.DIGITS, number.LENGTH), house.vault.derived(number.KEY))


def fresh(caller: Caller, now: Instant) -> Instant | Refused:
    """When *caller* proved every factor, if that is not over five minutes ago. Reasons: MFA_REQUIRED, MFA_STALE."""
    if not caller.mfa or caller.authenticated_at is None:
        return Refused(Reason.MFA_REQUIRED)
    return caller.authenticated_at if between(caller.authenticated_at, now) <= FRESH else Refused(Reason.MFA_STALE)


@dataclass(frozen=True, slots=True)
class AtPage:
    """A sign-in and its person, who may decide about it now."""

    signin: SignIn
    application: Application
    user: UserId
    authenticated: Instant
    ask: Ask
    gathered: Gathered | None


async def at_page(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, authenticated: Instant) -> AtPage | Refused:
    """
    Step: what stands before any yes of whoever holds *signin*. Reasons: WRONG_STATE, KILLED, REPORTED, SAME_DEVICE.
    """
    application, user = picture.applications.get(signin.client), visit.caller.user
    if application is None or user is None:
        return NOT_YOURS
    if picture.switch.stops(signin.created):
        return await _killed(tx, visit, signin)
    if await locked(tx, shunned(user, signin), visit.now) is not None:
        return await _shun(tx, visit, signin)
    if same_device.refused(application, signin, visit.address):
        return Refused(Reason.SAME_DEVICE, reference=signin.id)
    ask = await browser_ask(tx, picture, visit, signin, user)
    return AtPage(signin, application, user, authenticated, ask, await gather(tx, picture, ask, visit.now))


def yes(visit: Visit, page: AtPage, judged: Gathered, given: ExemptionId, drawn: Number) -> rows.Consent | Refused:
    """
    What the row keeps of the yes to *judged*. Reasons: BINDING_REQUIRED; BLOCKED where the requester cannot do what is
    asked of it now: the registration changed since it was started.
    """
    signin, person = page.signin, page.ask.person
    if awaited(page.application, signin, judged.decision):
        return Refused(Reason.BINDING_REQUIRED, reference=signin.id)
    asked = signin.number is None and number.wanted(page.application, judged.decision)
    if (asked and not signin.declared.number) or lacking(page.application, signin.declared):
        return Refused(Reason.BLOCKED, reference=signin.id)
    kept = number.kept(drawn.key, signin, drawn.shown) if asked else signin.number
    return rows.Consent(given, page.authenticated, visit.caller.amr, kept, person.device, person.passkey)


async def consented(
    house: House, tx: Tx, visit: Visit, picture: Picture, page: AtPage, drawn: Number
) -> Approved | Refused:  # fmt: skip
    """Step: yes, on the exemption that is open. Reasons: those of `yes`, BLOCKED, DEVICE_ENDED, WRONG_STATE."""
    signin, known = page.signin, page.gathered
    if known is not None and awaited(page.application, signin, known.decision):
        return Refused(Reason.BINDING_REQUIRED, reference=signin.id)
    passes = known is not None and allowed(known) and known.decision.may_consent
    if not passes or known is None or known.exemption is None:
        return await note_block(house, tx, visit, page, known)
    consent = yes(visit, page, known, known.exemption.id, drawn)
    if isinstance(consent, Refused):
        return consent
    asked = consent.number is not None and signin.number is None
    ends = after(visit.now, number.ASKED_FOR) if asked else ready_until(visit.now)
    if not await rows.approve(
        tx, signin, consent, ends=ends, address=visit.address, agent=visit.agent, now=visit.now
    ):  # fmt: skip
        return NOT_YOURS
    odd = (await around(tx, visit, picture, signin, page.user)).tags()
    await record(tx, visit, _approval(signin, visit, known, known.exemption, {"oddities": odd, "number": asked}))
    return Approved(signin, page.application, known.exemption.begun(visit.now).ends, drawn.shown if asked else "")


async def note_block(house: House, tx: Tx, visit: Visit, page: AtPage, gathered: Gathered | None) -> Refused:
    """Step: policy does not let them, as it is *gathered* now; written down, and the sign-in stays as it is."""
    signin, refused = page.signin, blocked(page.signin, gathered)
    detail = {"user": page.user, "rules": list(refused.rules), "reason": refused.reason.value, **told(gathered)}
    entry = Entry(Kind.BLOCKED, target=f"user:{page.user}", story=signin.id, detail=detail)
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


async def _shun(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """Step: this person reported the requester after they had typed the code (R11): it ends as the other did."""
    await close(tx, visit, signin, State.REPORTED, EndCause.REPORTED)
    detail = {"user": visit.caller.id, "reason": Reason.REPORTED.value, "rules": []}
    entry = Entry(Kind.CLAIM_REFUSED, target=f"user:{visit.caller.id}", story=signin.id, detail=detail)
    await record(tx, visit, entry)
    return Refused(Reason.REPORTED, reference=signin.id)


async def _killed(tx: Tx, visit: Visit, signin: SignIn) -> Refused:
    """Step: the kill switch was turned on since it began: the sign-in ends."""
    await close(tx, visit, signin, State.DENIED, EndCause.KILLED)
    detail = {"user": visit.caller.id, "rules": [], "policies": [], "reason": Reason.KILLED.value}
    await record(tx, visit, Entry(Kind.BLOCKED, target=f"user:{visit.caller.id}", story=signin.id, detail=detail))
    return Refused(Reason.KILLED, reference=signin.id)
