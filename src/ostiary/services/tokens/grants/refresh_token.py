"""
The refresh grant (RFC 6749 §6) with rotation that forks nothing (R6), the reach of R7 and the ends of R8.
"""

from dataclasses import replace

from ostiary.core.access.controls import sign_in_frequency
from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import complaint, judge_key, requires_key
from ostiary.core.tokens.claims import SHORTEST_LEFT, expiry
from ostiary.core.tokens.refresh import Use, judge, next_grace, read
from ostiary.core.tokens.session import Session, on_its_device, standing
from ostiary.core.tokens.still_allowed import still_asked, still_reached
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, after, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Ask, Gathered, gather, told, use_at
from ostiary.services.exemptions.use import begin
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import note
from ostiary.services.tokens.grants.grant import Redeemed, Request
from ostiary.services.tokens.on_devices import session_ask, used_device
from ostiary.store import Tx
from ostiary.store import tokens as rows

GRANT_TYPES: tuple[str, ...] = ("refresh_token",)
PARAMETERS: tuple[str, ...] = ("refresh_token",)

REFRESH_TOKENS = "refresh-tokens"  # purpose of K_refresh (R6)

BAD = Refused(Reason.BAD_TOKEN)


async def redeem(house: House, tx: Tx, picture: Picture, visit: Visit, request: Request) -> Redeemed | Refused:
    """Give new tokens for the head, the same head again for one that was head a moment ago, and end a stolen family."""
    named = _named(house, request.form.refresh_token)
    if named is None:
        return BAD
    family, number = named
    found = await rows.standing(tx, family)
    if found is None or found[0].client != request.client.id:
        return BAD
    session, user, exemption = found
    if user is None or not standing(session, user, request.client, visit.now):
        killed = picture.switch.on and session.origin is Origin.DEVICE_CODE
        lost = session.ended is None and not on_its_device(session, visit.now)
        over = Reason.KILLED if killed else Reason.DEVICE_ENDED if lost else Reason.SESSION_ENDED
        return await _refused(house, tx, visit, session, Refused(over, reference=session.story))
    bound = session.bound != UNBOUND
    held = judge_key(session.bound, visit.proof, request.client)
    wrong = complaint(held, visit.proof, request.client, reference=session.story) if bound else None
    use = judge(session, number, visit.now, key=wrong is None)
    if use is Use.STOLEN:
        return await _stolen(tx, visit, session, number)
    if use is Use.WRONG_KEY and wrong is not None:
        return wrong
    if not bound and requires_key(request.client):  # from before it was registered so
        return await _refused(house, tx, visit, session, Refused(Reason.SESSION_ENDED, reference=session.story))
    return await _renew(house, tx, picture, visit, request, session, exemption, use)


def _named(house: House, token: str) -> tuple[SessionId, int] | None:
    """Family and number of a genuine token, also one made before the master key changed."""
    keys = house.vault.derived_each(REFRESH_TOKENS)
    return next((found for key in keys if (found := read(key, token)) is not None), None)


async def _renew(
    house: House, tx: Tx, picture: Picture, visit: Visit, request: Request, session: Session,
    exemption: Exemption | None, use: Use,
) -> Redeemed | Refused:  # fmt: skip
    asked = _asked(picture, request, session)
    if isinstance(asked, Refused):
        return await _refused(house, tx, visit, session, replace(asked, reference=session.story))
    names = frozenset(asked.scopes) | (asked.openid & {"offline_access"})
    ask = session_ask(session, request.client, asked.resource.id, names, visit.now, used_at=visit.address)
    gathered = await gather(tx, picture, ask, visit.now)
    window = _window(session, exemption, gathered, visit, ask)
    if gathered is None or isinstance(window, Refused):
        return await _refused(house, tx, visit, session, window if isinstance(window, Refused) else BAD, gathered)
    if _too_late(visit.now, request.client, session, window):
        over = Reason.EXEMPTION_ENDED if window is not None else Reason.SESSION_ENDED
        return await _refused(house, tx, visit, session, Refused(over, reference=session.story), gathered)
    moved = await _move(house, tx, visit, session, window, use, gathered)
    if moved is None:
        return Refused(Reason.UNAVAILABLE)
    await used_device(tx, gathered.machine, visit.now)
    if window is not None and window.id != session.exemption:
        window = await begin(tx, visit, window, story=session.story)
    detail = {**_detail(session, moved, window), **told(gathered)}
    return _redeemed(moved, gathered, asked, window, detail)


def _asked(picture: Picture, request: Request, session: Session) -> scopes.Asked | Refused:
    """What the refresh may name: what was fixed then, and the registration still allows (R3, R7)."""
    device = session.origin is Origin.DEVICE_CODE
    asked = scopes.renew(
        request.form.scope, picture, client=request.client, resource=session.resource or request.client.id,
        held=session.scopes, reach=still_reached(picture, request.client, session.reach, device=device),
    )  # fmt: skip
    return asked if isinstance(asked, Refused) else still_asked(picture, request.client, asked, device=device)


def _window(
    session: Session, named: Exemption | None, gathered: Gathered | None, visit: Visit, ask: Ask
) -> Exemption | Refused | None:
    """
    The exemption behind the session from now on (R8); None for one that needs none.

    One that ran out, or has less left than a token needs, is taken over by another that admits the sign-in; one that a
    person ended ends its families, whatever else is open.
    """
    if gathered is None:
        return Refused(Reason.ACCOUNT_DISABLED, reference=session.story)
    if not gathered.assigned:
        return Refused(Reason.NOT_ASSIGNED, reference=session.story)
    if gathered.decision.outcome is not Outcome.ALLOWED:
        return Refused(_why(session, named, gathered), rules=gathered.decision.rules, reference=session.story)
    longest = gathered.decision.limits.session
    if longest is not None and after(session.created, longest) <= visit.now:
        return Refused(Reason.SESSION_ENDED, rules=gathered.decision.rules, reference=session.story)
    if session.origin is not Origin.DEVICE_CODE:
        return None
    if named is None or named.ended is not None:
        return Refused(Reason.EXEMPTION_ENDED, reference=session.story)
    places, device = (session.requester_address, visit.address), gathered.facts.requester_device
    admits = named.active(visit.now) and all(named.limits.admit(use_at(ask, place, device)) for place in places)
    if admits and between(visit.now, named.ends) >= SHORTEST_LEFT:
        return named
    return gathered.exemption or Refused(_why(session, named, gathered), reference=session.story)


def _why(session: Session, named: Exemption | None, gathered: Gathered) -> Reason:
    """What a person whom policy does not let pass is told: where only the time is up, that they can sign in again."""
    missing = gathered.decision.missing
    old = all(label.partition(":")[0] in sign_in_frequency.NAMES for label in missing)
    if gathered.decision.outcome is Outcome.CONTROLS and missing and old:
        return Reason.PROOF_TOO_OLD
    if session.origin is not Origin.DEVICE_CODE or gathered.exemption is not None:
        return Reason.BLOCKED
    over = named is None or named.ended is not None
    return Reason.ELSEWHERE if gathered.elsewhere and not over else Reason.EXEMPTION_ENDED


def _too_late(now: Instant, client: Application, session: Session, window: Exemption | None) -> bool:
    """Whether less is left than a token needs (R8): known before anything moves."""
    ends = window.begun(now).ends if window is not None else session.ends
    return expiry(now, client.token_lifetime, ends, session.ends) is None


async def _move(
    house: House, tx: Tx, visit: Visit, session: Session, window: Exemption | None, use: Use, gathered: Gathered
) -> Session | None:
    """The session after this refresh; None when the head moved meanwhile."""
    exemption = window.id if window is not None else None
    if use is Use.AGAIN:
        same = exemption == session.exemption or await rows.take_over(tx, session, exemption)
        return replace(session, exemption=exemption) if same else None
    idle = after(visit.now, house.settings.refresh_idle)
    grace = next_grace(session, visit.now)
    swapped = await rows.rotate(
        tx, session, grace=grace, idle_ends=idle, exemption=exemption, now=visit.now,
        device_revision=gathered.machine.revision if gathered.machine is not None else None,
    )  # fmt: skip
    if not swapped:
        return None
    return replace(session, head=session.head + 1, grace=grace, idle_ends=idle, exemption=exemption)


def _detail(before: Session, after_: Session, window: Exemption | None) -> dict[str, object]:
    detail: dict[str, object] = {"session": after_.id, "n": after_.head, "user": after_.user, "client": after_.client}
    if window is not None and window.id != before.exemption:
        detail["took_over"] = {"from": before.exemption, "to": window.id}
    return detail


def _redeemed(
    session: Session, gathered: Gathered, asked: scopes.Asked, window: Exemption | None, detail: dict[str, object]
) -> Redeemed:
    limits = gathered.decision.limits
    ends = window.ends if window is not None else session.ends
    if limits.session is not None:
        ends = min(ends, after(session.created, limits.session))
    return Redeemed(
        session, gathered.user, asked.resource, asked.scopes, asked.openid, asked.words, ends, session.head,
        Kind.REFRESHED, detail, longest=limits.access,
    )  # fmt: skip


async def _refused(
    house: House, tx: Tx, visit: Visit, session: Session, refused: Refused, gathered: Gathered | None = None
) -> Refused:
    detail = {
        "reason": refused.reason.value,
        "rules": list(refused.rules),
        "user": session.user,
        "session": session.id,
        **(told(gathered) if gathered is not None else {}),
    }
    entry = Entry(Kind.REFRESH_REFUSED, target=f"session:{session.id}", story=session.story, detail=detail)
    return await note(house, tx, visit, refused, entry)


async def _stolen(tx: Tx, visit: Visit, session: Session, number: int) -> Refused:
    """R6: genuine, and not the head: somebody else holds a copy. The family ends."""
    await rows.end(tx, session.id, now=visit.now, cause="reused")
    detail = {"session": session.id, "n": number, "head": session.head, "user": session.user}
    await record(tx, visit, Entry(Kind.REUSED, target=f"session:{session.id}", story=session.story, detail=detail))
    await alert(
        tx, visit, about="refresh token used twice", target=f"user:{session.user}", story=session.story,
        text="A refresh token came again after it had been replaced; its session was ended.",
    )  # fmt: skip
    return Refused(Reason.TOKEN_REUSED, reference=session.story)
