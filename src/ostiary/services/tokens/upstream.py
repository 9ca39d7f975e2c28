"""
Signing in through an upstream OpenID Connect provider, and proving oneself there again.

What must come back is sealed into `state`, for this browser alone and for ten minutes, so that leaving writes no row;
`state` and code count once. The browser returns to an address of its own for each provider, and where the provider
names itself in the answer it must be that one: no provider can hand in what another gave (RFC 9207, RFC 9700 §4.4).
What the provider's word proves is the mapping's to say: two steps make a whole session, one makes half a session that
waits for a second step of ours.
"""

import json
from dataclasses import dataclass, replace

from ostiary.core.directory.credentials import HALF as HALF_LIFE
from ostiary.core.directory.people import FEDERATED, User
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.browser import BROWSER, HALF
from ostiary.core.tokens.pkce import challenge_of
from ostiary.core.tokens.upstream import (
    ASKED_FOR,
    Flaw,
    Provider,
    Statement,
    fresh,
    proved,
    read_id_token,
    vouched_until,
)
from ostiary.core.words.digests import digest, same
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, after, to_seconds
from ostiary.core.words.jose import decode, encode
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.outside.outgoing import Unanswered
from ostiary.outside.upstream import Denied, Tokens
from ostiary.outside.vault import SealBroken
from ostiary.services.directory.passkeys import ways_of
from ostiary.services.directory.people import swap
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.tokens import tries
from ostiary.services.tokens.sign_in import ANEW, Half, SignedIn, rise, standing
from ostiary.services.tokens.upstream_people import follow_groups, person_of
from ostiary.store import Tx, passkeys, sessions, upstream
from ostiary.store.upstream import FIELD, TABLE, Grant

SEAL = "upstream-state"  # purposes of the seals
GRANT = "upstream-grant"
LONGEST_STATE = 8192  # characters
LONGEST_CODE = 2048
LONGEST_BACK = 2048

LATE = Refused(Reason.SPENT, "That took too long, was used already, or began in another browser. Please sign in again.")
STRANGE = Refused(Reason.UPSTREAM, "The answer does not belong to this sign-in. Please sign in again.")
STALE = Refused(Reason.UPSTREAM, "The provider did not ask you again, or does not say when it did.")
DISABLED = Refused(Reason.ACCOUNT_DISABLED, "Your account here is disabled. An administrator can tell you why.")
OTHER = Refused(Reason.UPSTREAM, "That is not the account that you are signed in with.")
UNPROVED = Refused(Reason.UPSTREAM, "The provider does not say that it asked you for two steps.")


@dataclass(frozen=True, slots=True)
class Leaving:
    """On to the provider."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back from the provider's page, unproved (RFC 6749 §4.1.2, RFC 9207 §2)."""

    state: str = ""
    code: str = ""
    error: str = ""
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came back signed in, wholly or half; *back* is where they were going."""

    outcome: SignedIn | Half
    back: str
    again: bool


@dataclass(frozen=True, slots=True)
class _Began:
    """What was sealed into `state`."""

    provider: str
    nonce: str
    verifier: str
    back: str
    again: bool
    asked: Instant

    def seal(self, house: House, bound: str) -> str:
        text = json.dumps([self.provider, self.nonce, self.verifier, self.back, self.again, self.asked])
        return encode(house.vault.seal(SEAL, "state", digest(bound).hex(), "state", text.encode()))


def providers(house: House) -> tuple[Provider, ...]:
    """The providers, in the order in which they are offered."""
    return tuple(house.outside.upstream.providers.values())


async def leave(house: House, visit: Visit, name: str, *, bound: str, back: str, again: bool) -> Leaving | Refused:
    """
    Where to send the browser that holds *bound*; *again* asks the provider to have the person prove themselves anew.

    Refused: NOT_FOUND, UNAVAILABLE when the provider cannot be asked.
    """
    provider = house.outside.upstream.providers.get(name)
    if provider is None:
        return Refused(Reason.NOT_FOUND, "There is no such provider.")
    found = await house.outside.upstream.metadata(name)
    if isinstance(found, Unanswered):
        return _unreachable(provider)
    began = _Began(
        name, house.random.token(), house.random.token(), back if len(back) <= LONGEST_BACK else "/", again, visit.now
    )  # fmt: skip
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(house, name),
        "scope": " ".join(provider.scopes),
        "state": began.seal(house, bound),
        "nonce": began.nonce,
        "code_challenge": challenge_of(began.verifier),
        "code_challenge_method": "S256",
        # asking for an age makes the provider say when it asked the person (Core §3.1.2.1)
        "max_age": "0" if again else str(to_seconds(house.settings.session_longest)),
        **({"prompt": "login"} if again else {}),
        **({"acr_values": " ".join(provider.acr_values)} if provider.acr_values else {}),
    }
    return Leaving(provider.title, house.outside.upstream.page(found, asked))


def redirect_uri(house: House, name: str) -> str:
    """Where the provider *name* sends people back to: an address of its own for each (RFC 9700 §4.4.2.1)."""
    return f"{house.settings.origin}/signin/upstream/{name}/callback"


async def arrive(
    house: House, visit: Visit, name: str, came: Returned, *, bound: str, session: str, known: str = ""
) -> Arrived | Refused:
    """
    Sign in whoever comes back from the provider *name* with *came*. *session* is the cookie of the session that proves
    itself again, *known* that of a known browser.

    Refused: SPENT, UPSTREAM, UNLINKED, ACCOUNT_DISABLED, UNAVAILABLE, SESSION_ENDED.
    """
    provider, began = house.outside.upstream.providers.get(name), _opened(house, came.state, bound)
    if provider is None or began is None or visit.now >= after(began.asked, ASKED_FOR):
        return LATE
    if began.provider != name:
        return await _refused(house, visit, provider, STRANGE, "mix_up")
    metadata = await house.outside.upstream.metadata(name)
    if isinstance(metadata, Unanswered):
        return _unreachable(provider)
    if metadata.says_issuer if came.issuer is None else not same(came.issuer, provider.issuer):
        return await _refused(house, visit, provider, STRANGE, "mix_up")
    if came.error or not came.code or len(came.code) > LONGEST_CODE:
        unsigned = Refused(Reason.UPSTREAM, said("%(title)s did not sign you in.", title=provider.title))
        return await _refused(house, visit, provider, unsigned, came.error or "no_code")
    if not await house.store.write(lambda tx: _spend(tx, came.state, began)):
        return LATE
    found = await _statement(house, visit, provider, began, came.code)
    if isinstance(found, Refused):
        return found
    statement, tokens = found
    if began.again:
        return await _again(house, visit, provider, began, statement, tokens, session, known)
    return await _sign_in(house, visit, provider, began, statement, tokens, known)


def _opened(house: House, state: str, bound: str) -> _Began | None:
    """What `state` says, if it was sealed for the browser that holds *bound*."""
    raw = decode(state) if len(state) <= LONGEST_STATE else None
    if raw is None:
        return None
    try:
        text = house.vault.open(SEAL, "state", digest(bound).hex(), "state", raw)
    except (SealBroken, ValueError):
        return None
    provider, nonce, verifier, back, again, asked = json.loads(text)
    return _Began(provider, nonce, verifier, back, again, Instant(asked))


async def _spend(tx: Tx, state: str, began: _Began) -> bool:
    return await passkeys.spend(tx, digest(state), ends=after(began.asked, ASKED_FOR))


async def _statement(
    house: House, visit: Visit, provider: Provider, began: _Began, code: str
) -> tuple[Statement, Tokens] | Refused:  # fmt: skip
    """What the provider says, by its own signature. Refused: UNAVAILABLE, UPSTREAM."""
    tokens = await house.outside.upstream.exchange(
        provider.name, code=code, verifier=began.verifier, redirect_uri=redirect_uri(house, provider.name)
    )  # fmt: skip
    if isinstance(tokens, Unanswered):
        return _unreachable(provider)
    wrong = Refused(Reason.UPSTREAM, said("What %(title)s says cannot be believed.", title=provider.title))
    if isinstance(tokens, Denied):
        return await _refused(house, visit, provider, wrong, tokens.error)
    claims = await house.outside.upstream.claims(provider.name, tokens.id_token)
    if claims is None:
        return await _refused(house, visit, provider, wrong, "signature")
    statement = read_id_token(provider, claims, now=visit.now, nonce=began.nonce)
    if statement is Flaw.GROUPS:
        text = said("%(title)s has more groups of yours than it can say.", title=provider.title)
        many = Refused(Reason.UPSTREAM, text)
        return await _refused(house, visit, provider, many, statement.value)
    if isinstance(statement, Flaw):
        return await _refused(house, visit, provider, wrong, statement.value)
    if provider.rechecked and not tokens.refresh_token:
        return await _refused(house, visit, provider, wrong, "no_refresh_token")
    return statement, tokens


async def _sign_in(
    house: House, visit: Visit, provider: Provider, began: _Began, statement: Statement, tokens: Tokens, known: str
) -> Arrived | Refused:
    id, new = SessionId(house.random.guid()), UserId(house.random.guid())
    cookie, fresh_cookie, nonce = house.random.token(), house.random.token(), house.random.token(128)
    amr = proved(provider, statement)

    async def body(tx: Tx) -> SignedIn | Half | Refused:
        user = await person_of(tx, visit, provider, statement, new)
        if isinstance(user, Refused):
            return await _unknown(tx, visit, provider, statement, user)
        if not user.enabled:
            return await _unknown(tx, visit, provider, statement, DISABLED, user)
        user = await vouch(house, tx, visit, provider, statement, tokens, user, id)
        await sessions.add_half(
            tx, id, user.id, story=id, cookie=digest(cookie), created=max(visit.now, user.epoch),
            ends=after(visit.now, HALF_LIFE), address=visit.address, amr=(FEDERATED,),
        )  # fmt: skip
        found = await standing(tx, cookie, HALF, visit.now)
        if found is None:
            return ANEW
        if "mfa" not in amr:
            return await _half(tx, visit, provider, user, id, cookie)
        mark = tries.mark(house.vault, user, known, nonce)
        when = statement.authenticated or Instant(0)  # whoever does not say when, said it too long ago
        return await rise(house, tx, visit, found, cookie, fresh_cookie, mark, amr, proved=when)

    outcome = await house.store.write(body)
    return outcome if isinstance(outcome, Refused) else Arrived(outcome, began.back, False)


async def _half(tx: Tx, visit: Visit, provider: Provider, user: User, id: SessionId, cookie: str) -> Half:
    """Step: the provider's word was the first step; the second is ours."""
    detail = {"user_name": user.principal_name, "session": id, "provider": provider.name}
    await record(tx, visit, Entry(Kind.UPSTREAM_PASSED, target=f"user:{user.id}", story=id, detail=detail))
    return Half(cookie, user, id, await ways_of(tx, user.id))


async def _again(
    house: House, visit: Visit, provider: Provider, began: _Began, statement: Statement, tokens: Tokens, cookie: str,
    known: str,
) -> Arrived | Refused:  # fmt: skip
    """A session proves itself anew: the same person, after we asked, with two steps, each of them in claims."""
    amr = proved(provider, statement)
    fresh_cookie, nonce = house.random.token(), house.random.token(128)

    async def body(tx: Tx) -> SignedIn | Refused:
        found = await standing(tx, cookie, BROWSER, visit.now)
        if found is None:
            return ANEW
        session, user = found
        link = await upstream.find_link(tx, statement.issuer, statement.subject)
        refused = OTHER if link is None or link.user != user.id else None
        refused = refused or (None if "mfa" in amr else UNPROVED)
        refused = refused or (None if fresh(statement, began.asked) else STALE)
        if refused is not None or statement.authenticated is None:
            return await _unknown(tx, visit, provider, statement, refused or STALE, user)
        await vouch(house, tx, visit, provider, statement, tokens, user, session.id)
        mark = tries.mark(house.vault, user, known, nonce)
        return await rise(
            house, tx, visit, found, cookie, fresh_cookie, mark, amr, proved=statement.authenticated
        )  # fmt: skip

    outcome = await house.store.write(body)
    return outcome if isinstance(outcome, Refused) else Arrived(outcome, began.back, True)


async def vouch(
    house: House, tx: Tx, visit: Visit, provider: Provider, statement: Statement, tokens: Tokens, user: User,
    session: SessionId,
) -> User:  # fmt: skip
    """Step: keep what lets us ask the provider again, and until when its word counts; groups follow the mapping."""
    sealed = seal_grant(house, session, tokens.refresh_token) if provider.rechecked else b""
    if user.vouched is not None and user.vouched <= visit.now and await upstream.needed(tx, user.id, visit.now):
        user = await end_everything(
            tx, user, visit.now
        )  # what ended with the last word is not brought back by this one
    until = (
        vouched_until(provider, visit.now) if provider.rechecked else after(visit.now, house.settings.session_longest)
    )
    due = after(visit.now, provider.recheck)
    grant = Grant(
        session, user.id, provider.name, statement.issuer, statement.subject, statement.session, sealed, visit.now, due
    )  # fmt: skip
    await upstream.add_grant(tx, grant)
    await upstream.vouch(tx, user.id, until)
    await follow_groups(tx, visit, provider, statement, user)
    return replace(user, vouched=until)


async def end_everything(tx: Tx, user: User, now: Instant) -> User:
    """Step: whatever *user* began before *now* is over."""
    ended = replace(user, epoch=max(now, user.epoch))
    await swap(tx, user, ended)
    return ended


def seal_grant(house: House, session: SessionId, refresh_token: str) -> bytes:
    """A refresh token as it is kept (R17)."""
    return house.vault.seal(GRANT, TABLE, session, FIELD, refresh_token.encode())


# ---- refusals


def _unreachable(provider: Provider) -> Refused:
    text = said("%(title)s cannot be asked at the moment. Use another way, or try later.", title=provider.title)
    return Refused(Reason.UNAVAILABLE, text)


async def _refused(house: House, visit: Visit, provider: Provider, refused: Refused, cause: str) -> Refused:
    """Write down a refusal about which nobody is known, as far as floods allow (R21)."""
    if house.floods.admit(f"upstream {provider.name}", visit.address, refused.reason, visit.now):
        detail = {"reason": refused.reason.value, "provider": provider.name, "cause": tame(cause)[:64], "locked": False}
        await house.store.write(lambda tx: record(tx, visit, Entry(Kind.SIGN_IN_REFUSED, detail=detail)))
    return refused


async def _unknown(
    tx: Tx, visit: Visit, provider: Provider, statement: Statement, refused: Refused, user: User | None = None
) -> Refused:  # fmt: skip
    """Step: write down that somebody whom the provider vouches for does not come in."""
    detail = {
        "reason": refused.reason.value, "provider": provider.name, "subject": tame(statement.subject), "locked": False,
        **({"user_name": user.principal_name} if user else {}),
    }  # fmt: skip
    target = f"user:{user.id}" if user else ""
    await record(tx, visit, Entry(Kind.SIGN_IN_REFUSED, target=target, detail=detail))
    return refused
