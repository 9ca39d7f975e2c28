"""
The authorization endpoint's deed: a person at a browser lets an application act for them (RFC 6749 §4.1, OIDC Core §3).

Consent is the administrators', so that is not asked: who is signed in, whom policy lets pass and who may use the
application gets a code. For a public application the person says first that they go on, since anybody can send them
here with a link. The code is 256 random bits, kept as a digest, good for 60 seconds and for one use.
"""

from dataclasses import dataclass

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application, Scope
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.authorization import (
    AuthorizationRequest,
    judge_confirmation,
    judge_request,
    must_sign_in,
    redirects_to,
    response_uri,
)
from ostiary.core.tokens.claims import issuer
from ostiary.core.tokens.refusals import Endpoint, wire
from ostiary.core.tokens.scopes import Asked, asked_scopes, parse, reach, stored
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import after, days, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.access.gather import Ask, Gathered, Side, age, gather, told
from ostiary.services.devices.proved import browser_of
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import note_person
from ostiary.store import Tx, authorizations
from ostiary.store.authorizations import Authorization

__all__ = [
    "CODE_LIFETIME",
    "ConfirmFirst",
    "Confirmation",
    "Returned",
    "SignInFirst",
    "authorize",
    "confirmation",
    "tend_codes",
]

CODE_LIFETIME = seconds(60)


@dataclass(frozen=True, slots=True)
class Returned:
    """Back to the application, with a code or an error."""

    uri: str


@dataclass(frozen=True, slots=True)
class SignInFirst:
    """The person must prove who they are and come back."""

    again: bool
    """Somebody is signed in, but not freshly enough."""


@dataclass(frozen=True, slots=True)
class ConfirmFirst:
    """The person must say on a page of ours that they go on, or do not."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What that page shows."""

    application: Application
    resource: Application
    scopes: tuple[Scope, ...]
    reach: tuple[tuple[Application, tuple[Scope, ...]], ...]
    offline: bool
    """Whether it stays signed in."""


async def authorize(
    house: House, visit: Visit, request: AuthorizationRequest, answer: bool | None = None
) -> Returned | SignInFirst | ConfirmFirst | Refused:
    """
    Answer one authorization request of the person at the browser (the visit's caller). *answer* is what they said on
    our own page; None when they were not asked.

    `Refused` is for a page of ours: client or redirect URI are not known, so nothing may be sent there. Every other
    refusal goes back to the application by redirect.
    """
    secret = house.random.token()

    async def body(tx: Tx, picture: Picture) -> Returned | SignInFirst | ConfirmFirst | Refused:
        client = _client(picture, request)
        if isinstance(client, Refused):
            return client
        found = await _decide(house, tx, picture, visit, request, client, secret, answer)
        if isinstance(found, SignInFirst | ConfirmFirst):
            return found
        name = issuer(house.settings.origin, picture.organisation)
        if isinstance(found, Refused):
            return Returned(_error(house, visit, request, found, client, name))
        return Returned(response_uri(request, name, code=secret))

    return await settled(house, body)


async def confirmation(house: House, visit: Visit, request: AuthorizationRequest) -> Confirmation | Refused:
    """What the page shows before the person goes on. Refused: nothing can come of *request*."""

    async def body(_: Tx, picture: Picture) -> Confirmation | Refused:
        client = _client(picture, request)
        if isinstance(client, Refused):
            return client
        asked = judge_request(request) or parse(request.scope, picture, client=client, device=False)
        if isinstance(asked, Refused):
            return asked
        offline = "offline_access" in asked.openid
        later = reach(picture, client, device=False) if offline else {}
        reached = tuple((picture.applications[id], _in_words(picture.applications[id], n)) for id, n in later.items())
        return Confirmation(client, asked.resource, _in_words(asked.resource, asked.scopes), reached, offline)

    return Refused(Reason.NOT_SIGNED_IN) if _person(visit.caller) is None else await settled(house, body, write=False)


def _in_words(resource: Application, names: tuple[str, ...]) -> tuple[Scope, ...]:
    return tuple(scope for scope in resource.scopes if scope.value in names)


async def tend_codes(house: House, visit: Visit) -> int:
    """Job: forget codes that ended a day ago (till then a second use is noticed); how many."""

    async def body(tx: Tx) -> int:
        return await authorizations.forget(tx, at=after(visit.now, days(-1)))

    return await house.store.write(body)


def _client(picture: Picture, request: AuthorizationRequest) -> Application | Refused:
    """The application, once its redirect URI is known to be its own."""
    client = picture.applications.get(AppId(request.client_id.lower()))
    if client is None:
        return Refused(Reason.UNKNOWN_CLIENT, field="client_id")
    if not client.enabled:
        return Refused(Reason.CLIENT_DISABLED)
    return client if redirects_to(client, request.redirect_uri) else Refused(Reason.BAD_REDIRECT, field="redirect_uri")


async def _decide(
    house: House, tx: Tx, picture: Picture, visit: Visit, request: AuthorizationRequest, client: Application,
    secret: str, answer: bool | None,
) -> SignInFirst | ConfirmFirst | Refused | None:  # fmt: skip
    """Step: None when a code was given."""
    wrong = judge_request(request)
    asked = wrong or parse(request.scope, picture, client=client, device=False)
    if isinstance(asked, Refused):
        return asked
    person = _person(visit.caller)
    fresh = person is not None and not must_sign_in(request, visit.caller.authenticated_at, visit.now)
    if person is None or not fresh or _other(request, visit.caller):
        return Refused(Reason.NOT_SIGNED_IN) if request.silent else SignInFirst(again=person is not None)
    side = Side.at(visit.address, visit.agent, await browser_of(tx, visit, picture.built_in))
    ask = Ask(
        person, client.id, asked.resource.id, visit.address, None, "browser", visit.caller.amr,
        asked_scopes(stored(asked)), side,
        proof_age=age(visit.caller.authenticated_at, visit.now),
    )  # fmt: skip
    gathered = await gather(tx, picture, ask, visit.now)
    refused = _judge(gathered) or (Refused(Reason.DENIED) if answer is False else None)
    if refused is not None or gathered is None:
        refused = refused or Refused(Reason.ACCOUNT_DISABLED)
        return await _refuse(house, tx, visit, client, person, refused, gathered)
    powers = any(scope.administrative for scope in _in_words(asked.resource, asked.scopes))
    confirm = False if answer else judge_confirmation(request, client, administrative=powers)
    if confirm:  # a refusal, or the page: neither changes anything
        return confirm if isinstance(confirm, Refused) else ConfirmFirst()
    await _give(tx, visit, request, client, asked, gathered, side, secret)
    return None


def _person(caller: Caller) -> UserId | None:
    """Only a person's own browser session counts: no token, whatever it began with, makes another (R3)."""
    return caller.user if caller.origin is Origin.BROWSER and caller.client is None else None


def _other(request: AuthorizationRequest, caller: Caller) -> bool:
    """`prompt=none` for a named person is about that person only."""
    hint = request.login_hint.strip().lower()
    return request.silent and bool(hint) and hint not in (caller.name.lower(), caller.id)


def _judge(gathered: Gathered | None) -> Refused | None:
    if gathered is None or not gathered.user.enabled:
        return Refused(Reason.ACCOUNT_DISABLED)
    if not gathered.assigned:
        return Refused(Reason.NOT_ASSIGNED)
    decision = gathered.decision
    if decision.outcome is Outcome.BLOCKED:
        return Refused(Reason.BLOCKED, rules=decision.rules)
    if decision.outcome is Outcome.CONTROLS:
        return Refused(Reason.MFA_REQUIRED, rules=decision.rules)
    return None


async def _refuse(
    house: House, tx: Tx, visit: Visit, client: Application, person: UserId, refused: Refused,
    gathered: Gathered | None,
) -> Refused:  # fmt: skip
    """Step: a known person was refused: written down, with a bound, since a page can lead them here again (R21)."""
    detail = {
        "reason": refused.reason.value,
        "rules": list(refused.rules),
        "client": client.id,
        "user": person,
        "user_name": visit.caller.name,
        **told(gathered),
    }
    entry = Entry(Kind.CODE_REFUSED, target=f"user:{person}", detail=detail)
    return await note_person(house, tx, visit, refused, entry, user=person, client=client.id)


async def _give(
    tx: Tx, visit: Visit, request: AuthorizationRequest, client: Application, asked: Asked, gathered: Gathered,
    side: Side, secret: str,
) -> None:  # fmt: skip
    """Step: keep the code and write it down. Its story is this visit."""
    user, caller = gathered.user, visit.caller
    given = Authorization(
        code=digest(secret),
        story=visit.id,
        client=client.id,
        user=user.id,
        redirect_uri=request.redirect_uri,
        challenge=request.code_challenge,
        jkt=None if client.dpop == "never" else request.dpop_jkt or None,
        nonce=request.nonce or None,
        resource=asked.resource.id,
        scopes=stored(asked),
        created=visit.now,
        ends=after(visit.now, CODE_LIFETIME),
        authenticated=caller.authenticated_at or visit.now,
        amr=caller.amr,
        approved_from=side.kept(),
    )
    await authorizations.add(tx, given)
    detail = {
        "user": user.id,
        "user_name": user.principal_name,
        "client": client.id,
        "resource": asked.resource.id,
        "scopes": list(given.scopes),
        **told(gathered),
    }
    await record(tx, visit, Entry(Kind.CODE_ISSUED, target=f"user:{user.id}", detail=detail))


def _error(
    house: House, visit: Visit, request: AuthorizationRequest, refused: Refused, client: Application, name: str
) -> str:
    """The redirect that carries a refusal (RFC 6749 §4.1.2.1)."""
    entry = wire(refused.reason)
    said = " ".join(part for part in (entry.sentence, refused.detail, entry.next_step) if part)
    return response_uri(
        request,
        name,
        error=entry.name(Endpoint.FRONT, entra=client.entra_errors),
        error_description=f"AADSTS{entry.aadsts}: {said} Trace ID: {visit.id}",
        error_uri=f"{house.settings.origin}/error/{entry.aadsts}?ref={visit.id}",
    )
