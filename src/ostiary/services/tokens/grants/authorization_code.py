"""
The authorization code grant (RFC 6749 §4.1.3) with its code verifier (RFC 7636 §4.6).

One code buys one session. A second use, whoever it is by, ends what the first one gave (RFC 6749 §4.1.2).
"""

from dataclasses import replace

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.people import stands
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import Held, complaint, fixed, judge_key
from ostiary.core.tokens.pkce import fits
from ostiary.core.tokens.scopes import asked_scopes
from ostiary.core.tokens.session import Session, SessionKind
from ostiary.core.tokens.still_allowed import still_allowed
from ostiary.core.words.caller import Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Bound
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Ask, Gathered, Side, age, gather, told
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import note
from ostiary.services.tokens.grants.grant import Redeemed, Request
from ostiary.store import Tx, authorizations
from ostiary.store import tokens as sessions
from ostiary.store.authorizations import Authorization

GRANT_TYPES: tuple[str, ...] = ("authorization_code",)
PARAMETERS: tuple[str, ...] = ("code", "redirect_uri", "code_verifier")


async def redeem(house: House, tx: Tx, picture: Picture, visit: Visit, request: Request) -> Redeemed | Refused:
    """Step: the session of a code that is this client's, unused, in time and proved."""
    given = await authorizations.find(tx, digest(request.form.code))
    if given is None or given.client != request.client.id:
        return Refused(Reason.SPENT)  # somebody else's is as good as none
    if given.session is not None:
        return await _again(tx, visit, given)
    held = judge_key(Bound(given.jkt), visit.proof, request.client)
    wrong = complaint(held, visit.proof, request.client, reference=given.story)
    if held in (Held.OTHER, Held.UNFIT) and wrong is not None:
        return wrong  # written down by the endpoint
    gathered = await gather(tx, picture, _ask(given), visit.now)
    refused = wrong or _judge(given, request) or _wrong(given, gathered, visit.now)
    if refused is not None or gathered is None:
        return await _refuse(house, tx, visit, given, refused or Refused(Reason.ACCOUNT_DISABLED), gathered)
    allowed = still_allowed(picture, request.client, given.resource, given.scopes, device=False)
    if isinstance(allowed, Refused):
        return await _refuse(house, tx, visit, given, allowed, gathered)
    if not await authorizations.spend(tx, given.code, request.new, now=visit.now):
        return Refused(Reason.SPENT, reference=given.story)
    session = _session(house, picture, visit, request, given, gathered, scopes.stored(allowed))
    await sessions.add(tx, session)
    return _redeemed(given, session, gathered, allowed)


def _judge(given: Authorization, request: Request) -> Refused | None:
    """Redirect URI and verifier as at the authorization request (RFC 6749 §4.1.3, RFC 9700 §2.1.1)."""
    if request.form.redirect_uri != given.redirect_uri:
        return Refused(Reason.BAD_REDIRECT, "It is not the one of the authorization request.", field="redirect_uri")
    return None if fits(request.form.code_verifier, given.challenge) else Refused(Reason.BAD_VERIFIER)


def _ask(given: Authorization) -> Ask:
    """The code as policy sees it: there is one side only, the browser in which it was given."""
    person = Side.of(given.approved_from)
    return Ask(
        given.user, given.client, given.resource, person.address, None, "browser", given.amr,
        asked_scopes(given.scopes), person, proof_age=age(given.authenticated, given.created),
    )  # fmt: skip


def _wrong(given: Authorization, gathered: Gathered | None, now: Instant) -> Refused | None:
    """Account, assignment and policy once more, as they are now."""
    if gathered is None or not stands(gathered.user, began=given.created, amr=given.amr, now=now):
        return Refused(Reason.ACCOUNT_DISABLED)
    if not gathered.assigned:
        return Refused(Reason.NOT_ASSIGNED)
    if gathered.decision.outcome is not Outcome.ALLOWED:
        return Refused(Reason.BLOCKED, rules=gathered.decision.rules)
    return None


def _session(
    house: House, picture: Picture, visit: Visit, request: Request, given: Authorization, gathered: Gathered,
    kept: tuple[str, ...],
) -> Session:  # fmt: skip
    settings = house.settings
    ends = after(visit.now, min(settings.session_longest, gathered.decision.limits.session or settings.session_longest))
    offline = "offline_access" in kept
    bound = Bound(given.jkt) if given.jkt is not None else fixed(visit.proof, request.client)
    return Session(
        id=request.new,
        kind=SessionKind.CODE,
        origin=Origin.BROWSER,
        user=given.user,
        client=given.client,
        story=given.story,
        created=visit.now,
        idle_ends=after(visit.now, settings.refresh_idle) if offline else ends,
        ends=ends,
        authenticated=given.authenticated,
        amr=given.amr,
        resource=given.resource,
        scopes=kept,
        reach=scopes.reach(picture, request.client, device=False) if offline else {},
        requester_address=visit.address,
        approved_from=given.approved_from,
        jkt=bound.jkt,
        x5t=bound.x5t,
    )


def _redeemed(given: Authorization, session: Session, gathered: Gathered, allowed: scopes.Asked) -> Redeemed:
    user = gathered.user
    detail: dict[str, object] = {
        "user": user.id,
        "user_name": user.principal_name,
        "client": given.client,
        "session": session.id,
        "scopes": list(session.scopes),
        **told(gathered),
    }
    return Redeemed(
        session, user, allowed.resource, allowed.scopes, allowed.openid, allowed.words, session.ends, 0,
        Kind.CODE_REDEEMED, detail, nonce=given.nonce, longest=gathered.decision.limits.access,
    )  # fmt: skip


async def _refuse(
    house: House, tx: Tx, visit: Visit, given: Authorization, refused: Refused, gathered: Gathered | None = None
) -> Refused:
    """Step: written down; the code stays, because a stranger with a wrong verifier must not spend it."""
    detail = {
        "reason": refused.reason.value,
        "rules": list(refused.rules),
        "client": given.client,
        "user": given.user,
        **(told(gathered) if gathered is not None else {}),
    }
    entry = Entry(Kind.CODE_REFUSED, target=f"user:{given.user}", story=given.story, detail=detail)
    return await note(house, tx, visit, replace(refused, reference=given.story), entry)


async def _again(tx: Tx, visit: Visit, given: Authorization) -> Refused:
    """Step: a second use ends the session of the first, and somebody should look."""
    if given.session is not None and await sessions.end(tx, given.session, now=visit.now, cause="code used twice"):
        detail = {"session": given.session, "user": given.user, "client": given.client, "cause": "code used twice"}
        await record(
            tx, visit, Entry(Kind.REVOKED, target=f"session:{given.session}", story=given.story, detail=detail)
        )
        text = "An authorization code came a second time; the session it had given was ended."
        await alert(tx, visit, about="authorization code used twice", text=text, story=given.story)
    return Refused(Reason.SPENT, reference=given.story)
